import { describe, expect, it } from "@effect/vitest"
import { OrganizationName } from "@maxcloud/config-schema"
import { Either, Redacted } from "effect"
import fc from "fast-check"
import { looksLikeJwt, readUnverified } from "./idTokenParts.ts"

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
const written = (payload: unknown, header: unknown = { alg: "RS256" }) =>
  Redacted.make(`${encoded(header)}.${encoded(payload)}.c2ln`)
const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
const name = fc
  .array(fc.constantFrom(...letters), { minLength: 1, maxLength: 28 })
  .map((each) => `a${each.join("")}z`)
  .filter((text) => !text.includes("--"))

describe("readUnverified", () => {
  it("finds the issuer and the only organization, whatever the other audiences are", () => {
    const others = fc.array(
      fc.string().filter((text) => !text.startsWith("maxcloud/")),
      { maxLength: 3 }
    )
    fc.assert(
      fc.property(name, others, fc.nat(3), (organization, rest, at) => {
        const aud = [...rest.slice(0, at), `maxcloud/${organization}`, ...rest.slice(at)]
        const read = readUnverified(written({ iss: "https://ci.example.com", aud }))
        expect(read).toStrictEqual(
          Either.right({ issuer: "https://ci.example.com", organization: OrganizationName.make(organization) })
        )
        expect(Either.isLeft(readUnverified(written({ iss: "https://x.example", aud: [...aud, "maxcloud/b"] })))).toBe(
          true
        )
      })
    )
  })

  it("never throws, and rejects tokens without an organization", () => {
    const token = fc.oneof(
      fc.string(),
      fc.array(fc.base64String(), { minLength: 3, maxLength: 3 }).map((generated) => generated.join(".")),
      fc
        .tuple(fc.json(), fc.json())
        .map(([payload, header]) => Redacted.value(written(JSON.parse(payload), JSON.parse(header)))),
      fc
        .anything()
        .map((aud) => `${encoded({ alg: "RS256" })}.${encoded({ iss: "https://a.example", aud: `${aud}` })}.x`)
    )
    fc.assert(
      fc.property(token, (generated) => {
        looksLikeJwt(Redacted.make(generated))
        expect(Either.isLeft(readUnverified(Redacted.make(generated)))).toBe(true)
      }),
      { numRuns: 500 }
    )
  })

  it("only accepts a JWT of bounded length", () => {
    expect(looksLikeJwt(written({}))).toBe(true)
    for (const _ of ["a.b", "a.b.c.d", "a.b.c\n", "a..c", "mck_a_b", `a.${"b".repeat(16_384)}.c`]) {
      expect(looksLikeJwt(Redacted.make(_)), _.slice(0, 20)).toBe(false)
    }
  })
})
