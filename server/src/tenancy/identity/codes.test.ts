import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { newCode, readCode } from "./codes.ts"
import { networkOf } from "./signInLimits.ts"

describe("codes", () => {
  it("are read as people type them", () => {
    for (const code of Array.from({ length: 100 }, newCode)) {
      expect(code).toMatch(/^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/)
      const plain = code.replace("-", "")
      for (const typed of [code, plain, code.toLowerCase(), ` ${plain.split("").join(" ")} `, code.replace("-", "–")]) {
        expect(readCode(typed)).toBe(code)
      }
    }
  })

  it("accept nothing else", () => {
    fc.assert(
      fc.property(fc.string(), (typed) => {
        const code = readCode(typed)
        expect(code === undefined || readCode(code) === code).toBe(true)
      })
    )
    for (const wrong of ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-EFGH", "BCDF_GHJK", "ßßßß"]) {
      expect(readCode(wrong)).toBeUndefined()
    }
  })
})

describe("the network of an address", () => {
  it("is the address itself, or for IPv6 its first 64 bits", () => {
    expect(networkOf("192.0.2.7")).toBe("192.0.2.7")
    expect(networkOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2")
    expect(networkOf("2001:db8:1:2::1")).toBe(networkOf("2001:db8:1:2:ffff::"))
    expect(networkOf("2001:db8::1")).toBe("2001:db8:0:0")
    expect(networkOf("::1")).toBe("0:0:0:0")
  })
})
