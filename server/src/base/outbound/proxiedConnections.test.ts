import { readFileSync } from "node:fs"
import { createServer, request } from "node:https"
import type { AddressInfo, LookupFunction } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Either } from "effect"
import { deadPort, privateAuthority, startTestProxy } from "../../../../sdk/test/testProxy.ts"
import { makeExchange } from "../../stores/images/registry/exchange.ts"
import { makeIssuerDocuments } from "../../tenancy/identity/keys/issuerDocuments.ts"
import { type ProxiedOptions, proxiedAgents } from "./proxiedConnections.ts"

const host = "registry.example.test"
const publicAddress = "93.184.216.34"
const authority = privateAuthority(host)
const server = createServer(authority.tls, (incoming, response) => {
  response.end(`${incoming.headers.host} ${"servername" in incoming.socket ? incoming.socket.servername : ""}`)
})
let port = 0
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.close()
  authority.remove()
})

const proxied = () => startTestProxy({ credentials: "ada:hunter2", route: () => port })
const resolvesTo =
  (address: string): LookupFunction =>
  (_, options, callback) =>
    options.all === true ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4)
const failsWith =
  (error: NodeJS.ErrnoException): LookupFunction =>
  (_, __, callback) =>
    callback(error, "", 4)

/** The answer of a server behind the proxy, or the error. */
const ask = (options: ProxiedOptions, lookup: LookupFunction) =>
  new Promise<string>((resolve) => {
    const agents = proxiedAgents({}, options)
    const sent = request(
      { agent: agents.https, host, lookup, ca: readFileSync(authority.file), path: "/v2/" },
      async (response) => {
        let text = ""
        for await (const chunk of response.setEncoding("utf8")) text += chunk
        resolve(text)
      }
    )
    sent.on("error", (error) => resolve(error.message))
    sent.end()
  })

describe("hosts whose addresses are checked, behind a proxy", () => {
  it("gives the proxy the checked address, and the host its own name", async () => {
    await using proxy = await proxied()
    const environment = { HTTPS_PROXY: proxy.url }
    const answer = await ask({ environment, proxyChecksAddresses: false }, resolvesTo(publicAddress))
    expect(answer).toBe(`${host} ${host}`)
    expect(proxy.asked).toStrictEqual([`CONNECT ${publicAddress}:443`])
  })

  it("sends the proxy no host that the check refuses", async () => {
    await using proxy = await proxied()
    const environment = { HTTPS_PROXY: proxy.url }
    expect(await ask({ environment, proxyChecksAddresses: false }, failsWith(new Error("refused")))).toBe("refused")
    expect(proxy.asked).toStrictEqual([])
  })

  it("sends the proxy no host that it can't resolve, and names the setting", async () => {
    await using proxy = await proxied()
    const environment = { HTTPS_PROXY: proxy.url }
    const away = failsWith(Object.assign(new Error("away"), { code: "ENOTFOUND" }))
    expect(await ask({ environment, proxyChecksAddresses: false }, away)).toMatch(
      /can't resolve registry\.example\.test itself \(ENOTFOUND\).*MAXCLOUD_PROXY_CHECKS_ADDRESSES=true/
    )
    expect(proxy.asked).toStrictEqual([])
    expect(await ask({ environment, proxyChecksAddresses: true }, away)).toBe(`${host} ${host}`)
    expect(proxy.asked).toStrictEqual([`CONNECT ${host}:443`])
  })

  it("connects directly to hosts in NO_PROXY", async () => {
    await using proxy = await proxied()
    const environment = { HTTPS_PROXY: proxy.url, NO_PROXY: "example.test" }
    expect(
      await ask(
        { environment, proxyChecksAddresses: false },
        failsWith(Object.assign(new Error("direct"), { code: "ENOTFOUND" }))
      )
    ).toMatch(/direct/)
    expect(proxy.asked).toStrictEqual([])
  })
})

const exchangeWith = (options: ProxiedOptions, url: string) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(makeExchange(options, Duration.seconds(20)), (exchange) =>
        exchange({ method: "GET", url: new URL(url), headers: {}, reach: "public", maxBytes: 1000 })
      )
    ).pipe(Effect.either)
  ).then((found) => (Either.isLeft(found) ? found.left.message : found.right.body.toString()))

const issuerWith = (options: ProxiedOptions, url: string) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(makeIssuerDocuments({ allowPrivateIssuers: false, ...options }), ({ keySet }) =>
        Effect.promise(() =>
          keySet(url).then(
            () => "",
            (error: unknown) => (error instanceof Error ? error.message : String(error))
          )
        )
      )
    )
  )

describe.each([
  ["registries", exchangeWith],
  ["OIDC issuers", issuerWith]
])("%s behind a proxy", (_, askWith) => {
  it.each([false, true])(
    "refuses addresses that aren't public, without asking the proxy (proxyChecksAddresses: %s)",
    async (proxyChecksAddresses) => {
      await using proxy = await proxied()
      const options = { environment: { HTTPS_PROXY: proxy.url }, proxyChecksAddresses }
      for (const address of ["10.0.0.5", "169.254.169.254", "[fd00::5]", "192.168.1.1"]) {
        expect(await askWith(options, `https://${address}/`)).toMatch(/is at an address that/)
      }
      expect(proxy.asked).toStrictEqual([])
    }
  )

  it("sends a name to the proxy only if the operator says that the proxy checks addresses", async () => {
    await using proxy = await proxied()
    const environment = { HTTPS_PROXY: proxy.url }
    const told = await askWith({ environment, proxyChecksAddresses: false }, "https://nothing.invalid/")
    expect(told).toMatch(/MAXCLOUD_PROXY_CHECKS_ADDRESSES=true/)
    expect(proxy.asked).toStrictEqual([])
    await askWith({ environment, proxyChecksAddresses: true }, "https://nothing.invalid/")
    expect(proxy.asked[0]).toBe("CONNECT nothing.invalid:443")
  })

  it("says that the proxy fails, without revealing its address", async () => {
    const environment = { HTTPS_PROXY: `http://ada:hunter2@127.0.0.1:${await deadPort()}` }
    const told = await askWith({ environment, proxyChecksAddresses: true }, "https://nothing.invalid/")
    expect(told).toMatch(/through the server's proxy \(HTTPS_PROXY of the server: ECONNREFUSED\)/)
    expect(told).not.toMatch(/hunter2|127\.0\.0\.1/)
  })
})
