import { type AddressInfo, connect } from "node:net"
import { createServer as createTlsServer } from "node:tls"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import {
  encodeService,
  entry,
  fakeServer,
  json,
  openStream,
  sendEntry,
  service,
  serviceId
} from "../../sdk/test/fakeServer.ts"
import { deadPort, privateAuthority, startTestProxy } from "../../sdk/test/testProxy.ts"
import { run } from "./cli.ts"

const host = "cloud.example.test"
const apiUrl = `https://${host}`

/** A server with a certificate from a private CA, reachable only through the proxy. */
const startServer = async (tls: ReturnType<typeof privateAuthority>["tls"]) => {
  const fake = await fakeServer({
    "GET /api/v1/services": (request, response) =>
      request.headers.authorization === "Bearer key-of-ada"
        ? json(response, 200, [encodeService(service)])
        : json(response, 500, {}),
    [`GET /api/v1/services/${serviceId}/logs`]: (_, response) => {
      openStream(response)
      sendEntry(response, entry(1))
      response.end()
    }
  })
  const server = createTlsServer(tls, (socket) => {
    const up = connect(Number(new URL(fake.url).port), "127.0.0.1")
    socket.pipe(up).pipe(socket)
    up.on("error", () => socket.destroy())
    socket.on("error", () => up.destroy())
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      await fake[Symbol.asyncDispose]()
      server.close()
    }
  }
}

describe("the command behind a proxy", () => {
  const authority = privateAuthority(host, "127.0.0.1")
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    server = await startServer(authority.tls)
  })
  afterAll(async () => {
    await server.close()
    authority.remove()
  })
  const proxied = (credentials: string, tls = false) =>
    startTestProxy({
      credentials,
      route: (name) => (name === host ? server.port : undefined),
      ...(tls ? { tls: authority.tls } : {})
    })
  const environment = (proxy: string) => ({
    MAXCLOUD_API_URL: apiUrl,
    MAXCLOUD_API_KEY: "key-of-ada",
    NODE_EXTRA_CA_CERTS: authority.file,
    HTTPS_PROXY: proxy,
    NO_PROXY: "",
    no_proxy: ""
  })

  it.each([false, true])(
    "reaches its server by HTTPS_PROXY and NODE_EXTRA_CA_CERTS (by TLS to the proxy: %s)",
    async (tls) => {
      await using proxy = await proxied("ada:hunter2", tls)
      const env = environment(proxy.url)
      const list = await run(["list"], { env })
      expect(list.code, list.stderr).toBe(0)
      expect(list.stdout).toContain("api")
      const logs = await run(["logs", "api"], { env })
      expect(logs.code, logs.stderr).toBe(0)
      expect(logs.stdout).toContain("line 1")
      expect(proxy.asked.length).toBeGreaterThanOrEqual(3)
      expect([...new Set(proxy.asked)]).toStrictEqual([`CONNECT ${host}:443`])
    }
  )

  it("doesn't trust the private CA by default", async () => {
    await using proxy = await proxied("ada:hunter2")
    const list = await run(["list"], { env: { ...environment(proxy.url), NODE_EXTRA_CA_CERTS: "" } })
    expect(list.code).toBe(3)
    expect(list.stderr).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED|UNABLE_TO_GET_ISSUER/)
  })

  it("says which proxy is dead, exit code 3, without its password", async () => {
    const env = environment(`http://ada:hunter2@127.0.0.1:${await deadPort()}`)
    const list = await run(["list"], { env })
    expect(list.code).toBe(3)
    expect(list.stderr).toMatch(/the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) can't be reached \(ECONNREFUSED\)/)
    expect(list.stderr).toMatch(/add cloud\.example\.test to NO_PROXY/)
    for (const args of [["list", "--json"], ["logs", "api", "--debug"], ["whoami"]]) {
      const { code, stderr, stdout } = await run(args, { env })
      expect(code).toBe(3)
      expect(stdout + stderr).not.toContain("hunter2")
    }
  })

  it("refuses a proxy that it can't use, without quoting it", async () => {
    const list = await run(["list"], { env: environment("socks5://ada:hunter2@127.0.0.1:1080") })
    expect(list.code).toBe(3)
    expect(list.stderr).toMatch(/HTTPS_PROXY doesn't name an HTTP proxy/)
    expect(list.stderr).not.toContain("hunter2")
  })

  it("asks a server on this machine directly", async () => {
    await using proxy = await proxied("ada:hunter2")
    await using fake = await fakeServer({
      "GET /api/v1/services": (_, response) => json(response, 200, [encodeService(service)])
    })
    const env = { ...environment(proxy.url), HTTP_PROXY: proxy.url, MAXCLOUD_API_URL: fake.url }
    expect((await run(["list"], { env })).code).toBe(0)
    expect(proxy.asked).toStrictEqual([])
  })
})
