import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import * as fc from "fast-check"
import { newId } from "../../base/database/newId.ts"
import { digestOf, hexOf, isToken, matches, newToken, parseToken, type TokenKind } from "./tokens.ts"

const kinds: ReadonlyArray<TokenKind> = ["session", "key", "invite", "oneTime", "device"]
const anyId = fc.stringMatching(/^[0-9A-Za-z]{8,32}$/)

describe("tokens", () => {
  it("are read as they were made, by their own kind alone", () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.constantFrom(...kinds), anyId, (kind, other, id) => {
        const { hash, token } = newToken(kind, id)
        assert.strictEqual(parseToken(kind, token)?.id, id)
        assert.isTrue(matches(token, hash))
        if (other !== kind) assert.isUndefined(parseToken(other, token))
      })
    )
  })

  it("are other tokens, or none, after any change", () => {
    const { hash, token } = newToken("session", hexOf(newId("ses")))
    const text = Redacted.value(token)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(text[at] !== character)
        assert.isFalse(matches(text.slice(0, at) + character + text.slice(at + 1), hash))
      })
    )
  })

  it("are nothing else, whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), fc.constantFrom(...kinds), (text, kind) => {
        assert.isFalse(isToken(kind, Redacted.make(text)))
      })
    )
    const { token } = newToken("session", hexOf(newId("ses")))
    for (const wrong of [`${Redacted.value(token)}\n`, ` ${Redacted.value(token)}`, Redacted.value(token).slice(1)]) {
      assert.isFalse(isToken("session", Redacted.make(wrong)))
    }
  })

  it("match no missing and no broken digest", () => {
    assert.isFalse(matches("x", undefined))
    assert.isFalse(matches("x", digestOf("x").subarray(1)))
  })

  it("show themselves in no log", () => {
    const made = newToken("session", hexOf(newId("ses")))
    assert.notInclude(JSON.stringify({ token: made.token }), Redacted.value(made.token))
    assert.notInclude(String(made.token), Redacted.value(made.token))
  })
})
