import { describe, expect, it } from "@effect/vitest"
import { Redacted } from "effect"
import * as fc from "fast-check"
import { newId } from "../../base/database/newId.ts"
import { digestOf, hexOf, isToken, matches, newToken, parseToken, type TokenKind } from "./tokens.ts"

const kinds: ReadonlyArray<TokenKind> = ["session", "key", "invite", "oneTime", "device"]
const anyId = fc.stringMatching(/^[0-9A-Za-z]{8,32}$/)

describe("tokens", () => {
  it("are read back unchanged, and only as their own kind", () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.constantFrom(...kinds), anyId, (kind, other, id) => {
        const { hash, token } = newToken(kind, id)
        expect(parseToken(kind, token)?.id).toBe(id)
        expect(matches(token, hash)).toBe(true)
        if (other !== kind) expect(parseToken(other, token)).toBeUndefined()
      })
    )
  })

  it("become other tokens, or none, after any change", () => {
    const { hash, token } = newToken("session", hexOf(newId("ses")))
    const text = Redacted.value(token)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(text[at] !== character)
        expect(matches(text.slice(0, at) + character + text.slice(at + 1), hash)).toBe(false)
      })
    )
  })

  it("reject everything else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), fc.constantFrom(...kinds), (text, kind) => {
        expect(isToken(kind, Redacted.make(text))).toBe(false)
      })
    )
    const { token } = newToken("session", hexOf(newId("ses")))
    for (const wrong of [`${Redacted.value(token)}\n`, ` ${Redacted.value(token)}`, Redacted.value(token).slice(1)]) {
      expect(isToken("session", Redacted.make(wrong))).toBe(false)
    }
  })

  it("match neither a missing nor a broken digest", () => {
    expect(matches("x", undefined)).toBe(false)
    expect(matches("x", digestOf("x").subarray(1))).toBe(false)
  })

  it("never appear in a log", () => {
    const made = newToken("session", hexOf(newId("ses")))
    expect(JSON.stringify({ token: made.token })).not.toContain(Redacted.value(made.token))
    expect(String(made.token)).not.toContain(Redacted.value(made.token))
  })
})
