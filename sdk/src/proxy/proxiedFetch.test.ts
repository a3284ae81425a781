import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, assert, beforeAll, describe, expect, it } from "@effect/vitest"
import { deadPort, startTestProxy } from "../../test/testProxy.ts"
import { createClient, NotReachable } from "../index.ts"
import { ProxyFailed, proxiedFetch } from "./index.ts"

let port = 0
const seen: Array<{ readonly host: string | undefined; readonly url: string | undefined; readonly headers: string }> =
  []
const server = createServer((request, response) => {
  seen.push({ host: request.headers.host, url: request.url, headers: JSON.stringify(request.headers) })
  request.pipe(response)
})
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => void server.close())

const start = (credentials?: string) =>
  startTestProxy({
    route: (host) => (host === "cloud.test" ? port : undefined),
    ...(credentials === undefined ? {} : { credentials })
  })
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable("it didn't fail"),
    (error: unknown) => error
  )

describe("proxiedFetch", () => {
  it("sends a request through the proxy, with the proxy's credentials only for the proxy", async () => {
    await using proxy = await start("ada:hunter2")
    const fetch = proxiedFetch({ HTTP_PROXY: proxy.url })
    const response = await fetch("http://cloud.test/path?q=1", { method: "POST", body: "said" })
    expect(await response.text()).toBe("said")
    expect(proxy.asked).toStrictEqual(["POST http://cloud.test/path?q=1"])
    expect(seen.at(-1)?.host).toBe("cloud.test")
    expect(seen.at(-1)?.headers).not.toContain("proxy-authorization")
  })

  it("streams a body through it", async () => {
    await using proxy = await start()
    const body = new Blob(["a".repeat(100_000)]).stream()
    const init: RequestInit & { readonly duplex: "half" } = { method: "PUT", body, duplex: "half" }
    const response = await proxiedFetch({ HTTP_PROXY: proxy.url })("http://cloud.test/", init)
    expect((await response.text()).length).toBe(100_000)
  })

  it("connects directly to NO_PROXY's hosts and to this machine", async () => {
    await using proxy = await start()
    const fetch = proxiedFetch({ HTTP_PROXY: proxy.url, NO_PROXY: "cloud.test" })
    const code = (error: unknown) => error instanceof TypeError
    expect(code(await failureOf(fetch("http://cloud.test/")))).toBe(true)
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
    expect(proxy.asked).toStrictEqual([])
  })

  it("names the failing proxy, the reason and the fix, without its password", async () => {
    await using proxy = await start("ada:hunter2")
    const dead = await deadPort()
    const without = proxy.url.replace("ada:hunter2", "ada:wrong-hunter2")
    const cases: ReadonlyArray<readonly [string, string, RegExp]> = [
      [
        `http://ada:hunter2@127.0.0.1:${dead}`,
        "https://cloud.test",
        /the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) can't be reached \(ECONNREFUSED\)\. Check HTTPS_PROXY, or add cloud\.test to NO_PROXY/
      ],
      [without, "https://cloud.test", /requires a user and a password\. Set HTTPS_PROXY=http:\/\/USER:PASSWORD@127/],
      [without, "http://cloud.test", /requires a user and a password\. Set HTTP_PROXY=http:\/\/USER:PASSWORD@127/],
      [`http://127.0.0.1:${dead}`, "http://cloud.test", /\(HTTP_PROXY\) can't be reached \(ECONNREFUSED\)/],
      [proxy.url, "https://other.test", /refuses to connect to other\.test \(status 403\)\. Ask the proxy's operator/]
    ]
    for (const [url, target, message] of cases) {
      const error = await failureOf(proxiedFetch({ HTTPS_PROXY: url, HTTP_PROXY: url })(target))
      assert(error instanceof ProxyFailed)
      expect(error.message).toMatch(message)
      expect(JSON.stringify(error) + error.stack).not.toContain("hunter2")
      const client = createClient({
        apiUrl: target,
        fetch: proxiedFetch({ HTTPS_PROXY: url, HTTP_PROXY: url }),
        token: ""
      })
      const told = await failureOf(client.info())
      assert(told instanceof NotReachable)
      expect(told.message).toContain(error.problem)
    }
  })

  it("doesn't blame the proxy for an aborted request", async () => {
    await using proxy = await start()
    const error = await failureOf(
      proxiedFetch({ HTTP_PROXY: proxy.url })("http://cloud.test/", { signal: AbortSignal.abort() })
    )
    expect(error instanceof Error ? error.name : "").toBe("AbortError")
  })
})
