import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { parseAppSpec } from "./index.ts"

/** Also the names that every object inherits. */
const key = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "__defineGetter__"),
  fc.stringMatching(/^[A-Z_][A-Za-z0-9_]{0,9}$/)
)
const entries = fc.uniqueArray(key, { minLength: 1, maxLength: 4 })
const mapOf = (keys: ReadonlyArray<string>, value: unknown) => Object.fromEntries(keys.map((each) => [each, value]))

const parsed = (fields: object, ofApp: object = {}) =>
  parseAppSpec({ app: "shop", services: [{ name: "web", image: "nginx:1.27", ...fields }], ...ofApp })

describe("a key of a map", () => {
  const maps: ReadonlyArray<readonly [string, (keys: ReadonlyArray<string>) => ReturnType<typeof parsed>]> = [
    ["env", (keys) => parsed({ env: mapOf(keys, "x") })],
    ["labels", (keys) => parsed({ labels: mapOf(keys, "x") })],
    ["outputs", (keys) => parsed({}, { outputs: mapOf(keys, "x") })],
    ["exports", (keys) => parsed({}, { exports: mapOf(keys, { to: ["other"] }) })],
    ["files", (keys) => parsed({ files: mapOf(keys, { secret: "A" }) })]
  ]
  it.each(maps)("is kept or refused in %s, never lost", (name, parse) => {
    fc.assert(
      fc.property(entries, (keys) => {
        const result = parse(keys)
        if (Either.isLeft(result)) return
        const found: unknown = Reflect.get({ ...result.right, ...result.right.services[0] }, name)
        expect(Object.keys(Object(found)).sort()).toStrictEqual([...keys].sort())
      })
    )
  })

  it("that an object can't keep is refused with a sentence", () => {
    const issues = (result: ReturnType<typeof parsed>) => (Either.isLeft(result) ? result.left : [])
    const message = '"__proto__" can\'t be used as a name here. Choose another.'
    const env = { ["__proto__"]: "x", A: "b" }
    expect(issues(parsed({ env }))).toMatchObject([{ path: ["services", 0, "env", "__proto__"], message }])
    expect(issues(parsed({ env: { A: { secret: "__proto__" } } }))).toMatchObject([{ message }])
    expect(issues(parsed({}, { outputs: env }))).toMatchObject([{ path: ["outputs", "__proto__"], message }])
    expect(issues(parsed({ env: { constructor: "x", toString: "y" } }))).toEqual([])
  })
})
