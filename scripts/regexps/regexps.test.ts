import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { isLinear } from "./isLinear.ts"
import { type Pattern, patternsIn, patternsOf } from "./patternsIn.ts"

const root = dirname(dirname(import.meta.dirname))
const list = join(import.meta.dirname, "linear.json")
const update = process.env["MAXCLOUD_UPDATE_GOLDEN"] === "1"

const patterns = ["config-schema", "sdk", "synth", "oci", "builder", "server", "cli"].flatMap((name) =>
  patternsIn(root, `${name}/src`)
)

/** Patterns that the checker found to be linear. Checking all of them takes minutes, so the tests only look them up. */
const known: ReadonlySet<string> = new Set(JSON.parse(readFileSync(list, "utf8")))

/** By file and pattern, why no text makes it slow: mostly the bound on the text's length. */
const bounded: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "bounded.json"), "utf8")
)
const isBounded = ({ file, written }: Pattern) => bounded[file]?.[written] !== undefined

const notLinear = (some: ReadonlyArray<Pattern>, check: boolean) => {
  const verdicts = new Map<string, boolean>()
  return some.filter((pattern) => {
    const { literal, written } = pattern
    if (isBounded(pattern) || known.has(written)) return false
    const linear = verdicts.get(written) ?? (check && literal !== undefined && isLinear(literal))
    verdicts.set(written, linear)
    return !linear
  })
}

describe("regular expressions", () => {
  it("match in linear time, or have a text of bounded length", () => {
    expect(patterns.length).toBeGreaterThan(300)
    const bad = notLinear(patterns, update)
    expect(
      bad.map((line) => `${line.file}:${line.line}: ${line.written}`),
      update
        ? "Rewrite these patterns so that they never read a position twice, or bound the text and say so in scripts/regexps/bounded.json."
        : "These patterns haven't been checked yet. Run `MAXCLOUD_UPDATE_GOLDEN=1 npm test -- regexps`."
    ).toStrictEqual([])
    if (!update) return
    const linear = new Set(patterns.filter((pattern) => !isBounded(pattern)).map((pattern) => pattern.written))
    writeFileSync(list, `${JSON.stringify([...linear].sort(), null, 2)}\n`)
  }, 600_000)

  it("lists only patterns that still exist", () => {
    const [written, placed] = [
      new Set(patterns.map((pattern) => pattern.written)),
      patterns.map((pattern) => `${pattern.file} ${pattern.written}`)
    ]
    const listed = Object.entries(bounded).flatMap(([file, some]) => Object.keys(some).map((name) => `${file} ${name}`))
    expect([
      ...listed.filter((value) => !placed.includes(value)),
      ...(update ? [] : [...known].filter((value) => !written.has(value)))
    ]).toStrictEqual([])
  })

  it("finds patterns that aren't linear", () => {
    const planted = String.raw`
      const nested = /(a+)+$/
      const perWord = /\b([a-z][a-z0-9-]*)\.([a-z0-9-]+)\.svc\.cluster\.local/g
      const perReference = /\$(?:\$|\(([^)]*)\))/g
      const made = new RegExp(text)
      const fine = /^[a-z]+-[0-9]+$/`
    expect(notLinear(patternsOf(planted, "planted.ts"), true).map((line) => line.line)).toStrictEqual([2, 3, 4, 5])
  })
})
