import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { clientVersion, clientVersionIn, isOlder, userAgent } from "./clientVersion.ts"

const numbers = fc.tuple(fc.nat(999_999), fc.nat(999_999), fc.nat(999_999))

describe("the version of a client", () => {
  it.each(["sdk", "cli", "server"])("is that of the package %s", (name) => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../..", name, "package.json"), "utf8"))
    expect(clientVersion).toBe(version)
  })

  it("is read from a User-Agent with other products", () => {
    expect(clientVersionIn(userAgent)).toBe(clientVersion)
    expect(clientVersionIn("shop/2.0 maxcloud-sdk/1.12.3 (linux)")).toBe("1.12.3")
    expect(clientVersionIn("maxcloud-sdk/1.0.0-beta.2")).toBe("1.0.0")
  })

  it("isn't read from nonsense", () => {
    const nonsense = ["curl/8.0", "", "maxcloud-sdk", "maxcloud-sdk/", "maxcloud-sdk/banana", "maxcloud-sdk/1.2"]
    const long = [`maxcloud-sdk/${"9".repeat(60_000)}.0.0`, `${"x ".repeat(30_000)}maxcloud-sdk/0.0.1`]
    const near = ["maxcloud-sdk/1.2.3.4", "maxcloud-sdk/-1.0.0", "notmaxcloud-sdk/0.0.1", "maxcloud-sdk/0.0.1abc"]
    for (const field of [undefined, ...nonsense, ...long, ...near]) expect(clientVersionIn(field)).toBeUndefined()
  })

  it("is compared number by number", () => {
    fc.assert(
      fc.property(numbers, numbers, (one, other) => {
        const at = [0, 1, 2].find((each) => one[each] !== other[each])
        const expected = at !== undefined && (one[at] ?? 0) < (other[at] ?? 0)
        expect(isOlder(one.join("."), other.join("."))).toBe(expected)
      })
    )
    expect([isOlder("0.9.0", "0.10.0"), isOlder("1.0.0", "1.0.0"), isOlder("2.0.0", "1.9.9")]).toEqual([
      true,
      false,
      false
    ])
  })
})
