import { expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { parseChallenge } from "./challenge.ts"

it("reads what registries ask for", () => {
  const bearer = {
    scheme: "bearer",
    realm: "https://auth.example/token",
    service: "reg",
    scope: "repository:a/b:pull,push"
  }
  const parameters = `realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"`
  expect(parseChallenge(`Bearer ${parameters}`)).toEqual(bearer)
  expect(parseChallenge(`bearer ${parameters.replaceAll(",s", " ,  s")}`)).toEqual(bearer)
  expect(parseChallenge(`Basic realm="Bearer realm=x", Bearer ${parameters}`)).toEqual(bearer)
  expect(parseChallenge(`Bearer realm=https://a.b/t`)).toMatchObject({ realm: "https://a.b/t", service: undefined })
  expect(parseChallenge(`Bearer realm="a\\"b"`)).toMatchObject({ realm: 'a"b' })
  expect(parseChallenge('Basic realm="x"')).toEqual({ scheme: "basic" })
  for (const other of ["", "Negotiate", 'Digest realm="x", nonce="y"', "Bearer", 'Bearer scope="x"']) {
    expect(parseChallenge(other)).toBeUndefined()
  }
})

it("accepts any header", () => {
  fc.assert(fc.property(fc.string({ maxLength: 500 }), (generated) => void parseChallenge(generated)))
})
