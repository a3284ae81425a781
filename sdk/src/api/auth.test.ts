import { describe, expect, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as fc from "fast-check"
import { CreateApiKey, CreateOidcTrust, Email } from "./auth.ts"

const key = Schema.decodeUnknownOption(CreateApiKey)
const trust = Schema.decodeUnknownOption(CreateOidcTrust)
const isName = (name: string) => {
  const [one, two] = [key({ name }), trust({ name, issuer: "https://ci.example.com", claims: { sub: "job:shop" } })]
  expect(Option.isSome(one)).toBe(Option.isSome(two))
  return Option.isSome(one)
}
const hidden = [
  "\u0000",
  "\n",
  "\u0085",
  "\u00ad",
  "\u200b",
  "\u2028",
  "\u2029",
  "\u202e",
  "\u2066",
  "\ufeff",
  "\u{e0041}"
]

describe("names and addresses that other people read", () => {
  it("contain no character that hides or reorders the text around them, at any position", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.constantFrom(...hidden), fc.string({ maxLength: 20 }), (a, b, c) => {
        expect(isName(`${a}${b}${c}`)).toBe(false)
      })
    )
    for (const _ of hidden) {
      expect(() => Schema.decodeUnknownSync(Email)(`a${_}b@example.com`)).toThrow("Write an e-mail address like")
    }
  })

  it("are visible, in any script", () => {
    for (const name of ["CI Key", "Schlüssel für ada", "مفتاح", "鍵", "key ❤", "👍"]) expect(isName(name)).toBe(true)
    for (const name of ["", " ", "\u00a0\u3000", "x".repeat(101)]) expect(isName(name)).toBe(false)
    expect(Schema.decodeUnknownSync(Email)(" Ünï@Example.com ")).toBe("ünï@example.com")
  })
})
