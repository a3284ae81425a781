import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { defineStages } from "./authoring.ts"

const messageOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return expect.unreachable("it is not refused")
}

describe("defineStages", () => {
  const settings = defineStages({ production: { min: 2 }, "preview-*": { min: 0 }, "preview-eu-*": { min: 1 } })

  it("returns the values of the most specific match", () => {
    const found = ["production", "preview-7", "preview-eu-7"].map((stage) => settings(stage).min)
    expect(found).toStrictEqual([2, 0, 1])
    expect(defineStages({ "preview-1": "a", "preview-*": "b", "*": "c" })("preview-1")).toBe("a")
    expect(defineStages({ "preview-*": "b", "*": "c" })("dev")).toBe("c")
  })

  it("refuses an unknown stage, and lists the known ones", () => {
    expect(messageOf(() => settings("staging"))).toBe(
      'defineStages has no values for the stage "staging". It has "production", "preview-*", "preview-eu-*": add the stage, or deploy one of these.'
    )
    for (const name of ["constructor", "__proto__", "toString", ""]) {
      expect(messageOf(() => settings(name))).toContain("has no values for the stage")
    }
  })

  it("refuses two patterns that match equally well, and names that can't match a stage", () => {
    const twice = defineStages({ "a-*": 1, "*-b": 2 })
    expect(messageOf(() => twice("a-b"))).toContain('"a-*" and "*-b" match the stage "a-b" equally well')
    for (const name of ["Preview", "a b", "a.*", "a**", "a*b*", ""]) {
      expect(messageOf(() => defineStages({ [name]: 1 }))).toContain("can't match a stage")
    }
  })

  it("returns each name's own values, whatever other patterns there are", () => {
    const name = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,8}$/)
    const pattern = fc.stringMatching(/^[a-z]{0,3}\*[a-z]{0,3}$/)
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1 }), fc.array(pattern), (names, patterns) => {
        const stages = Object.fromEntries([...patterns, ...names].map((each) => [each, each]))
        for (const each of names) expect(defineStages(stages)(each)).toBe(each)
      })
    )
  })
})
