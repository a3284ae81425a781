import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { newCode, readCode } from "./codes.ts"
import { networkOf } from "./signInLimits.ts"

describe("codes", () => {
  it("are read as people type them", () => {
    for (const code of Array.from({ length: 100 }, newCode)) {
      assert.match(code, /^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/)
      const plain = code.replace("-", "")
      for (const typed of [code, plain, code.toLowerCase(), ` ${plain.split("").join(" ")} `, code.replace("-", "–")]) {
        assert.strictEqual(readCode(typed), code)
      }
    }
  })

  it("are nothing else", () => {
    fc.assert(
      fc.property(fc.string(), (typed) => {
        const code = readCode(typed)
        assert.isTrue(code === undefined || readCode(code) === code)
      })
    )
    for (const wrong of ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-EFGH", "BCDF_GHJK", "ßßßß"]) {
      assert.isUndefined(readCode(wrong))
    }
  })
})

describe("the network of an address", () => {
  it("is the address itself, and of IPv6 its first 64 bits", () => {
    assert.strictEqual(networkOf("192.0.2.7"), "192.0.2.7")
    assert.strictEqual(networkOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2")
    assert.strictEqual(networkOf("2001:db8:1:2::1"), networkOf("2001:db8:1:2:ffff::"))
    assert.strictEqual(networkOf("2001:db8::1"), "2001:db8:0:0")
    assert.strictEqual(networkOf("::1"), "0:0:0:0")
  })
})
