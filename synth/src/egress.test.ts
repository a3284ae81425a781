import { describe, expect, it } from "vitest"
import { ipBlocksOf } from "./egress.ts"

describe("ipBlocksOf", () => {
  it("opens the public internet, and no private, link-local or metadata address", () => {
    const [internet] = ipBlocksOf("internet")
    expect(internet?.cidr).toBe("0.0.0.0/0")
    expect(internet?.except).toEqual(
      expect.arrayContaining(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"])
    )
  })

  it("opens nothing for none", () => {
    expect(ipBlocksOf("none")).toEqual([])
  })

  it("opens declared ranges, canonical, once, sorted", () => {
    expect(ipBlocksOf(["203.0.113.77/24", "10.1.2.3/32", "203.0.113.0/24"])).toEqual([
      { cidr: "10.1.2.3/32" },
      { cidr: "203.0.113.0/24" }
    ])
  })

  it("keeps link-local and loopback closed, even inside of a declared range", () => {
    expect(ipBlocksOf(["169.254.169.254/32", "127.0.0.1/8"])).toEqual([])
    expect(ipBlocksOf(["0.0.0.0/0"])).toEqual([{ cidr: "0.0.0.0/0", except: ["127.0.0.0/8", "169.254.0.0/16"] }])
    expect(ipBlocksOf(["168.0.0.0/7"])).toEqual([{ cidr: "168.0.0.0/7", except: ["169.254.0.0/16"] }])
  })

  it("keeps the cluster's own ranges closed, whatever is declared", () => {
    const cluster = ["10.240.0.0/16", "10.96.0.0/12", "203.0.113.0/24"]
    expect(ipBlocksOf(["10.240.3.4/32", "10.96.0.0/12", "10.1.0.0/16"], cluster)).toEqual([{ cidr: "10.1.0.0/16" }])
    expect(ipBlocksOf(["10.0.0.0/8"], cluster)).toEqual([
      { cidr: "10.0.0.0/8", except: ["10.240.0.0/16", "10.96.0.0/12"] }
    ])
    const [internet] = ipBlocksOf("internet", cluster)
    expect(internet?.except).toContain("203.0.113.0/24")
    expect(internet?.except).not.toContain("10.240.0.0/16")
  })
})
