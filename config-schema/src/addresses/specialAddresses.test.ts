import { BlockList, isIP } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  cutFrom,
  type IpRange,
  isWithin,
  outermost,
  parseAddress,
  parseRange,
  rangesOf,
  writeRange
} from "./ipRange.ts"
import { isPublicAddress, isReachableAddress, rangesFor, specialRanges } from "./specialAddresses.ts"

const metadata = [
  "169.254.169.254",
  "169.254.170.2",
  "100.100.100.200",
  "192.0.0.192",
  "168.63.129.16",
  "fd00:ec2::254",
  "fd20:ce::254",
  "fd00:c1::a9fe:a9fe",
  "fd00:42::42",
  "fe80::a9fe:a9fe",
  "::ffff:169.254.169.254",
  "::ffff:a83f:8110"
]
const own = ["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "::1", "fd12::1"]
const mapped = ["::ffff:10.0.0.1", "::ffff:a00:1", "::FFFF:127.0.0.1", "0:0:0:0:0:ffff:7f00:1"]
const never = [
  "0.0.0.0",
  "192.88.99.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "203.0.113.1",
  "::",
  "::7f00:1",
  "::127.0.0.1",
  "::ffff:0:127.0.0.1",
  "64:ff9b::169.254.169.254",
  "64:ff9b::a00:1",
  "64:ff9b:1::a00:1",
  "2002:7f00:1::",
  "2001:0:7f00:1::",
  "2001:db8::1",
  "3fff::1",
  "4000::1",
  "fec0::1",
  "ff02::1"
]
const open = ["1.1.1.1", "172.32.0.1", "11.0.0.1", "168.63.129.17", "2606:4700::1111", "::ffff:1.1.1.1"]
const notAddresses = ["", "localhost", "127.1", "0x7f.1", "0177.0.0.1", "127.0.0.1 ", "fe80::1%eth0", "1::2::3", ":1"]

describe("the table of special addresses", () => {
  it("distinguishes the public internet from everything else", () => {
    const all = [...metadata, ...own, ...mapped, ...never, ...open, ...notAddresses]
    expect(all.filter(isPublicAddress)).toEqual(open)
    expect(all.filter((value) => isReachableAddress(value, "public"))).toEqual(open)
    expect(all.filter((value) => isReachableAddress(value, "private"))).toEqual([...own, ...mapped, ...open])
  })

  it("treats an IPv4-mapped IPv6 address like the IPv4 address, and refuses any other embedding", () => {
    const hex = (address: string) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number)
      return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
    }
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(isPublicAddress(`::ffff:${address}`)).toBe(isPublicAddress(address))
        expect(isPublicAddress(`::ffff:${hex(address)}`)).toBe(isPublicAddress(address))
        for (const wrapped of [
          `::${address}`,
          `64:ff9b::${address}`,
          `2002:${hex(address)}::1`,
          `2001:0:${hex(address)}::`
        ])
          for (const reach of ["public", "private"] as const)
            if (wrapped !== "::0.0.0.1") expect(isReachableAddress(wrapped, reach), wrapped).toBe(false)
      }),
      { numRuns: 2_000 }
    )
  })

  it("agrees with Node's own lists on every address", () => {
    const lists = new BlockList()
    for (const { cidr } of specialRanges) {
      const [address = "", length = ""] = cidr.split("/")
      lists.addSubnet(address, Number(length), isIP(address) === 6 ? "ipv6" : "ipv4")
    }
    const unicast = new BlockList()
    unicast.addSubnet("2000::", 3, "ipv6")
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const v6 = isIP(address) === 6
        fc.pre(!/^(::|0*:0*:0*:0*:0*:)ffff:/i.test(address))
        const special = lists.check(address, v6 ? "ipv6" : "ipv4") || (v6 && !unicast.check(address, "ipv6"))
        expect(isPublicAddress(address)).toBe(!special)
      }),
      { numRuns: 5_000 }
    )
  })
})

describe("ranges", () => {
  it("parses exactly the addresses that Node accepts", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), fc.string({ unit: fc.constantFrom(..."0123abf:.x%/") })),
        (written) => {
          // Node accepts zones (`fe80::1%eth0`).
          expect(parseAddress(written) !== undefined, written).toBe(isIP(written) !== 0 && !written.includes("%"))
        }
      ),
      { numRuns: 5_000 }
    )
  })

  it("formats to the same text that it parsed", () => {
    fc.assert(
      fc.property(fc.oneof(fc.tuple(fc.ipV4(), fc.nat(32)), fc.tuple(fc.ipV6(), fc.nat(128))), ([address, length]) => {
        const range = parseRange(`${address}/${length}`)
        expect(range).toBeDefined()
        if (range === undefined) return
        expect(isIP(writeRange(range).replace(/\/.*/, ""))).toBe(range.version)
        expect(parseRange(writeRange(range))).toEqual(range)
      }),
      { numRuns: 5_000 }
    )
    for (const wrong of ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/8/8", "10.0.0.0/-1", "a/8"])
      expect(parseRange(wrong), wrong).toBeUndefined()
    expect(parseRange("010.1.2.3/08")).toEqual(parseRange("10.0.0.0/8"))
  })

  it("cuts closed addresses out of a range, until nothing of a closed range remains", () => {
    const closed = [...rangesFor(4, "host", "metadata"), ...rangesOf(["10.96.0.0/12", "10.100.0.0/16"])]
    const rangeOf = (cidr: string): IpRange => parseRange(cidr) ?? { version: 4, base: 0n, length: 0 }
    const cut = (cidr: string) => cutFrom(rangeOf(cidr), closed)?.map(writeRange)
    expect(cut("10.0.0.0/8")).toEqual(["10.96.0.0/12"])
    expect(cut("10.100.1.0/24")).toBeUndefined()
    expect(cut("8.8.8.0/24")).toEqual([])
    const anyRange = fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, length]) => rangeOf(`${address}/${length}`))
    fc.assert(
      fc.property(anyRange, fc.array(anyRange, { maxLength: 6 }), fc.ipV4(), (range, shut, address) => {
        const one = rangeOf(`${address}/32`)
        const except = cutFrom(range, shut)
        const isOpen = except !== undefined && isWithin(one, range) && !except.some((value) => isWithin(one, value))
        expect(isOpen).toBe(isWithin(one, range) && !shut.some((value) => isWithin(one, value)))
        expect(outermost(shut).length).toBeLessThanOrEqual(shut.length)
      }),
      { numRuns: 5_000 }
    )
  })
})
