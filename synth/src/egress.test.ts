import { describe, expect, it } from "@effect/vitest"
import { isPublicAddress, isWithin, parseRange, rangesOf } from "@maxcloud/config-schema"
import * as fc from "fast-check"
import { canonicalRanges, type EgressRules, ipBlocksOf, refusalOf } from "./egress.ts"

const isIn = (address: string, cidr: string) => {
  const [range] = rangesOf([`${address}/32`])
  const outer = parseRange(cidr)
  return range !== undefined && outer !== undefined && isWithin(range, outer)
}
const isOpen = (address: string, egress: Parameters<typeof ipBlocksOf>[0], rules?: EgressRules) =>
  ipBlocksOf(egress, rules).some(
    ({ cidr, except = [] }) => isIn(address, cidr) && !except.some((value) => isIn(address, value))
  )

const metadata = ["169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16"]
const cluster = ["10.240.0.0/16", "10.96.0.0/12", "203.0.113.0/24"]

describe("ipBlocksOf", () => {
  it("opens the public internet, and no private, link-local or metadata address", () => {
    for (const address of [
      ...metadata,
      "10.1.2.3",
      "172.16.0.1",
      "192.168.1.1",
      "100.64.0.1",
      "127.0.0.1",
      "240.0.0.1"
    ])
      expect(isOpen(address, "internet"), address).toBe(false)
    for (const address of ["1.1.1.1", "140.82.112.3"]) expect(isOpen(address, "internet")).toBe(true)
  })

  it("opens nothing for egress none", () => {
    expect(ipBlocksOf("none")).toEqual([])
  })

  it("opens declared ranges in canonical form, sorted, without duplicates", () => {
    const privateRanges = ["10.0.0.0/8"]
    expect(ipBlocksOf(["203.0.113.77/24", "10.1.2.3/32", "203.0.113.0/24"], { privateRanges })).toEqual([
      { cidr: "10.1.2.3/32" },
      { cidr: "203.0.113.0/24" }
    ])
  })

  it("keeps metadata, link-local and loopback closed, even inside a range that the operator lists", () => {
    const privateRanges = ["0.0.0.0/0"]
    for (const address of [...metadata, "127.0.0.1", "0.0.0.0"]) {
      expect(ipBlocksOf([`${address}/32`], { privateRanges }), address).toEqual([])
      for (const around of ["0.0.0.0/0", "100.64.0.0/10", "192.0.0.0/24", "168.0.0.0/7", "168.63.0.0/16"])
        expect(isOpen(address, [around], { privateRanges }), `${address} in ${around}`).toBe(false)
    }
    expect(ipBlocksOf(["168.63.0.0/16"])).toEqual([{ cidr: "168.63.0.0/16", except: ["168.63.129.16/32"] }])
  })

  it("opens private, shared and reserved ranges only if the operator lists them", () => {
    for (const cidr of [
      "10.0.0.0/8",
      "10.96.0.1/32",
      "172.16.0.0/12",
      "100.64.0.0/10",
      "198.18.0.0/15",
      "240.0.0.0/4"
    ]) {
      expect(ipBlocksOf([cidr]), cidr).toEqual([])
      expect(ipBlocksOf([cidr], { privateRanges: ["10.0.0.0/9"] })).toEqual(cidr === "10.96.0.1/32" ? [{ cidr }] : [])
      expect(ipBlocksOf([cidr], { privateRanges: [cidr] })[0]?.cidr).toBe(cidr)
    }
    expect(isOpen("10.1.2.3", ["8.0.0.0/5"], { privateRanges: ["10.0.0.0/8"] })).toBe(false)
    expect(isOpen("9.1.2.3", ["8.0.0.0/5"])).toBe(true)
  })

  it("keeps the cluster's own ranges closed, whatever is declared or listed", () => {
    const rules = { closedRanges: cluster, privateRanges: ["10.0.0.0/8"] }
    expect(ipBlocksOf(["10.240.3.4/32", "10.96.0.0/12", "10.1.0.0/16"], rules)).toEqual([{ cidr: "10.1.0.0/16" }])
    expect(ipBlocksOf(["10.0.0.0/8"], rules)).toEqual([
      { cidr: "10.0.0.0/8", except: ["10.96.0.0/12", "10.240.0.0/16"] }
    ])
    const [internet] = ipBlocksOf("internet", rules)
    expect(internet?.except).toContain("203.0.113.0/24")
    expect(internet?.except).not.toContain("10.240.0.0/16")
  })

  it("opens only public addresses, and declared ones that are listed and don't belong to the cluster", () => {
    const anyRange = fc
      .tuple(fc.oneof(fc.ipV4(), fc.constantFrom("10.96.0.1", "10.0.0.0", "100.64.1.1", ...metadata)), fc.nat(32))
      .map(([address, length]) => `${address}/${length}`)
    fc.assert(
      fc.property(
        fc.array(anyRange, { maxLength: 4 }),
        fc.array(anyRange, { maxLength: 3 }),
        fc.array(anyRange, { maxLength: 3 }),
        fc.oneof(fc.ipV4(), fc.constantFrom("10.96.0.1", "10.1.2.3", "100.64.1.1", ...metadata)),
        (egress, closedRanges, privateRanges, address) => {
          if (!isOpen(address, egress, { closedRanges, privateRanges })) return
          expect(egress.some((value) => isIn(address, value))).toBe(true)
          expect(closedRanges.some((closedRange) => isIn(address, closedRange))).toBe(false)
          expect(metadata).not.toContain(address)
          const documentation = /^(192\.0\.2|198\.51\.100|203\.0\.113)\./.test(address)
          expect(
            isPublicAddress(address) ||
              documentation ||
              privateRanges.some((privateRange) => isIn(address, privateRange))
          ).toBe(true)
        }
      ),
      { numRuns: 5_000 }
    )
  })
})

describe("refusalOf", () => {
  it("reports the reason and the fix for every range that isn't opened", () => {
    const rules = { closedRanges: cluster, privateRanges: ["10.0.0.0/9"] }
    expect(refusalOf("169.254.169.254/32", rules)).toMatch(/link-local.*no service can reach/)
    expect(refusalOf("168.63.129.16/32", rules)).toMatch(/Azure.*no service can reach/)
    expect(refusalOf("10.96.0.1/32", rules)).toMatch(/belongs to the cluster itself/)
    expect(refusalOf("10.0.0.0/8", rules)).toMatch(
      /You can declare 10\.0\.0\.0\/9 of it\..*MAXCLOUD_PRIVATE_EGRESS_RANGES/
    )
    expect(refusalOf("192.168.0.0/16", rules)).toMatch(/private.*MAXCLOUD_PRIVATE_EGRESS_RANGES/)
    expect(refusalOf("10.1.0.0/16", { ...rules, unknownRanges: "pods" })).toMatch(/\(pods\).*MAXCLOUD_CLOSED_RANGES/)
    for (const open of ["10.1.0.0/16", "1.1.1.0/24", "0.0.0.0/0"]) expect(refusalOf(open, rules), open).toBeUndefined()
  })

  it("exists exactly if nothing is opened", () => {
    const anyRange = fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, length]) => `${address}/${length}`)
    fc.assert(
      fc.property(anyRange, fc.array(anyRange, { maxLength: 3 }), (cidr, privateRanges) => {
        expect(refusalOf(cidr, { privateRanges }) === undefined).toBe(ipBlocksOf([cidr], { privateRanges }).length > 0)
      }),
      { numRuns: 5_000 }
    )
  })
})

describe("canonicalRanges", () => {
  it("are the same for the same addresses", () => {
    expect(canonicalRanges(["10.1.0.0/16", "10.240.0.1/32", "10.240.0.0/16", "10.1.0.0/16"])).toEqual(
      canonicalRanges(["10.240.0.0/16", "10.1.0.0/16"])
    )
  })
})
