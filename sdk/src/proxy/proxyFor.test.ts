import { assert, describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { ProxyFailed, proxyFor } from "./index.ts"

const proxy = "http://proxy.corp:3128"
const isDirect = (url: string, noProxy: string) =>
  proxyFor(new URL(url), { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: noProxy }) === undefined

describe("proxyFor", () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ["https://a.test", {}, undefined],
    ["https://a.test", { HTTPS_PROXY: proxy }, "HTTPS_PROXY"],
    ["https://a.test", { https_proxy: proxy, HTTPS_PROXY: "http://other:1" }, "https_proxy"],
    ["https://a.test", { HTTP_PROXY: proxy }, "HTTP_PROXY"],
    ["https://a.test", { https_proxy: "", HTTP_PROXY: proxy }, undefined],
    ["http://a.test", { HTTPS_PROXY: proxy }, undefined],
    ["http://a.test", { http_proxy: proxy }, "http_proxy"],
    ["https://localhost:8080", { HTTPS_PROXY: proxy }, undefined],
    ["http://web--local.localhost:8080", { HTTP_PROXY: proxy }, undefined],
    ["http://127.1.2.3", { HTTP_PROXY: proxy }, undefined],
    ["http://[::1]:8080", { HTTP_PROXY: proxy }, undefined],
    ["http://a.test", { HTTP_PROXY: proxy, no_proxy: "", NO_PROXY: "*" }, "HTTP_PROXY"]
  ])("%s with %j: %s", (url, environment, name) => {
    expect(proxyFor(new URL(url), environment)?.name).toBe(name)
  })

  it.each<[string, string, boolean]>([
    ["https://a.test", "*", true],
    ["https://a.test", "b.test, a.test", true],
    ["https://a.test", "b.test a.test", true],
    ["https://A.test.", "a.TEST", true],
    ["https://sub.a.test", "a.test", true],
    ["https://nota.test", "a.test", false],
    ["https://a.test", ".a.test", false],
    ["https://sub.a.test", ".a.test", true],
    ["https://sub.a.test", "*.a.test", true],
    ["https://a.test", "*.a.test", false],
    ["https://a.test", "a.test:443", true],
    ["https://a.test:8443", "a.test:443", false],
    ["http://a.test", "a.test:443", false],
    ["http://10.1.2.3", "10.0.0.0/8", true],
    ["http://11.1.2.3", "10.0.0.0/8", false],
    ["http://10.1.2.3", "10.1.2.3", true],
    ["http://10.1.2.3", "3", false],
    ["http://10.1.2.3:81", "10.1.2.3:80", false],
    ["http://a.test", "10.0.0.0/8", false],
    ["http://10.1.2.3", "10.0.0.0/99", false],
    ["http://[fd00::5]", "fd00::/8", true],
    ["http://[fd00::5]", "fd00:0::5", true],
    ["http://[fd00::5]:81", "[fd00::5]:81", true],
    ["http://[fd00::5]:82", "[fd00::5]:81", false],
    ["http://a.test", ",, ,:80,[,]/8,*.", false]
  ])("%s is asked directly with NO_PROXY=%j: %s", (url, noProxy, direct) => {
    expect(isDirect(url, noProxy)).toBe(direct)
  })

  it("reads a proxy's credentials, default ports, and hosts without a scheme", () => {
    const read = (value: string) => proxyFor(new URL("http://a.test"), { HTTP_PROXY: value })
    expect(read("proxy.corp:3128")).toMatchObject({ url: "http://proxy.corp:3128", authorization: undefined })
    expect(read("https://proxy.corp")?.url).toBe("https://proxy.corp:443")
    expect(read("http://proxy.corp")?.url).toBe("http://proxy.corp:80")
    expect(read("http://ada:p%40ss%3Aw@[fd00::1]:81/ignored")).toMatchObject({
      url: "http://[fd00::1]:81",
      authorization: `Basic ${Buffer.from("ada:p@ss:w").toString("base64")}`
    })
    assert(read("http://onlyuser@proxy.corp")?.authorization !== undefined)
  })

  it("refuses anything but an HTTP proxy, without quoting a possible password", () => {
    for (const value of [
      "socks5://ada:hunter2@proxy.corp:1080",
      "http://ada:hunter2@",
      "http://ada:hunter2@proxy:99999"
    ]) {
      try {
        proxyFor(new URL("https://a.test"), { HTTPS_PROXY: value })
        expect.unreachable("it was taken")
      } catch (error) {
        assert(error instanceof ProxyFailed)
        expect(error.message).toMatch(/^HTTPS_PROXY doesn't name an HTTP proxy\. Use a form like HTTPS_PROXY=http:/)
        expect(JSON.stringify(error) + error.message).not.toContain("hunter2")
      }
    }
  })

  it("never throws anything else, whatever the environment contains, and never shows credentials in the URL", () => {
    const text = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc.constantFrom("*", ".a.test", "10.0.0.0/8", "[::1]:80", "a:b@c:1")
    )
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.constant("http://[fd00::5]")), text, text, (url, value, noProxy) => {
        try {
          const found = proxyFor(new URL(url), { HTTPS_PROXY: value, HTTP_PROXY: value, NO_PROXY: noProxy })
          if (found !== undefined) expect(found.url).toMatch(/^https?:\/\/[^@/]+:\d+$/)
        } catch (error) {
          assert(error instanceof ProxyFailed)
        }
      }),
      { numRuns: 3_000 }
    )
  })

  it("connects directly to every subdomain of an entry, and to no other name", () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
    fc.assert(
      fc.property(label, label, fc.boolean(), (a, b, dotted) => {
        const entry = `${dotted ? "." : ""}${a}.test`
        expect(isDirect(`https://${b}.${a}.test`, entry)).toBe(true)
        expect(isDirect(`https://${a}.test`, entry)).toBe(!dotted)
        expect(isDirect(`https://${b}x${a}.test`, entry)).toBe(false)
      }),
      { numRuns: 1_000 }
    )
  })
})
