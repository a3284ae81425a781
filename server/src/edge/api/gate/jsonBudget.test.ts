import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { overJsonBudget } from "./jsonBudget.ts"

const count = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? 1 + Object.values(value).reduce((sum: number, each) => sum + count(each), 0)
    : 1
const depth = (value: unknown): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0
const over = (json: string, budget: { readonly values: number; readonly depth: number }) =>
  overJsonBudget(Buffer.from(json), { bytes: json.length, ...budget })?.message

describe("overJsonBudget", () => {
  it("counts values and levels as a parser would, whatever the strings contain", () => {
    const anything = fc.jsonValue({
      maxDepth: 6,
      stringUnit: fc.constantFrom("a", '"', "\\", "{", "]", ",", ":", " ", "é")
    })
    fc.assert(
      fc.property(anything, fc.constantFrom(0, 2), (value, space) => {
        const json = JSON.stringify(value, undefined, space)
        // The parser keeps one of two equal keys.
        const exact = { values: count(value), depth: depth(value) }
        expect(over(json, exact)).toBeUndefined()
        expect(over(json, { ...exact, values: exact.values - 1 }) ?? "").toMatch(/values/)
        if (exact.depth > 0) expect(over(json, { ...exact, depth: exact.depth - 1 }) ?? "").toMatch(/levels/)
      }),
      { numRuns: 2_000 }
    )
  })

  it("stops as soon as the budget is exceeded, and at invalid JSON", () => {
    expect(over("[".repeat(1_000_000), { values: 10, depth: 8 }) ?? "").toMatch(/more than 8 levels/)
    expect(over(`[${"{},".repeat(300_000)}`, { values: 10, depth: 8 }) ?? "").toMatch(/more than 10 values/)
    for (const json of ["", "]", "}}}}", '"', '"\\', "\\", ",", "[,", '{"a'])
      expect(over(json, { values: 10, depth: 8 })).toBeUndefined()
  })

  it("finds a key that an object has twice, however it is written, and says where", () => {
    const issueOf = (json: string) => overJsonBudget(Buffer.from(json), { bytes: 1e6, values: 100, depth: 8 })
    expect(issueOf('{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}')).toBeUndefined()
    expect(issueOf('{"role":"viewer","name":"role","role":"owner"}')).toEqual({
      path: ["role"],
      message: 'It has the key "role" twice in one object. Remove one of them.'
    })
    for (const json of [
      '{"x":[1,{"a":1,"\\u0061":2}]}',
      '{"x":[1,{"\\u0061" : 1 , "a":2}]}',
      '\ufeff{"x":[[],{"b":{"a":[]},"a":{},"a":2}]}'
    ])
      expect(issueOf(json)?.path, json).toEqual(["x", 1, "a"])
    expect(issueOf('{"é":1,"\\u00e9":2}')?.path).toEqual(["é"])
    expect(issueOf('{"a\\"":1,"a":2,"a\\\\":3}')).toBeUndefined()
    for (const text of ['{"a":"a","b":"a"}', '["a","a"]', '{"a" "a"}', '{"\\x":1,"\\x":2}'])
      expect(issueOf(text), text).toBeUndefined()
  })

  it("refuses every object with equal keys, and none whose keys differ", () => {
    const key = fc.string({ unit: fc.constantFrom("a", "b", "\\", '"', "é", "\u{1f600}", "\n"), maxLength: 3 })
    const written = key.chain((each) =>
      fc.constantFrom(
        JSON.stringify(each),
        `"${[...each]
          .flatMap((one) => one.split(""))
          .map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)
          .join("")}"`
      )
    )
    fc.assert(
      fc.property(fc.array(written, { maxLength: 12 }), (keys) => {
        const json = `{${keys.map((each) => `${each}:0`).join(",")}}`
        // Not `Object.keys` of the parsed object: V8 of Node 24 has been seen to keep both of "é" and "\\u00e9".
        const distinct = new Set(keys.map((each): unknown => JSON.parse(each)))
        const issue = overJsonBudget(Buffer.from(json), { bytes: 1e6, values: 100, depth: 8 })
        expect(issue === undefined).toBe(distinct.size === keys.length)
      }),
      { numRuns: 2_000 }
    )
  })

  it("takes linear time for keys", () => {
    const object = (length: number) =>
      `{${Array.from({ length: 900 }, (_, at) => `"${"k".repeat(length)}${at}":0`).join(",")}}`
    const timeOf = (json: Buffer) => {
      const start = performance.now()
      expect(overJsonBudget(json, { bytes: 1e9, values: 1e6, depth: 8 })).toBeUndefined()
      return performance.now() - start
    }
    const [short, long] = [Buffer.from(object(100)), Buffer.from(object(2_000))]
    timeOf(short)
    expect(timeOf(long)).toBeLessThan(2_000)
  })
})
