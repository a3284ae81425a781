import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { clocksIn } from "./clocksIn.ts"

const root = dirname(dirname(import.meta.dirname))

/** Allowed uses of the wall clock, by file: how many, and what for. None of them waits or measures. */
const labels: Readonly<Record<string, { readonly uses: number; readonly why: string }>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "labels.json"), "utf8")
)

const filesOf = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((text) => text.endsWith(".ts") && !/(\.test|[/](?:test|fake)[A-Z]\w*|Contract)\.ts$/.test(`/${text}`))
    .map((value) => join(folder, value))

const uses = ["config-schema", "sdk", "synth", "oci", "builder", "server", "cli"]
  .flatMap((name) => filesOf(`${name}/src`))
  .flatMap((file) => clocksIn(readFileSync(join(root, file), "utf8"), file))

const countOf = (file: string) => uses.filter((use) => use.file === file).length

describe("the wall clock", () => {
  it("isn't used to wait or measure: a wait would hang if somebody set the clock back", () => {
    expect(uses.length).toBeGreaterThan(50)
    const bad = uses.filter(({ file }) => countOf(file) > (labels[file]?.uses ?? 0))
    expect(
      bad.map((line) => `${line.file}:${line.line}: ${line.written}`),
      "Measure by performance.now(), `monotonicMillis` or `within`, and compare with the database's own time (`isDue`). A time that only tells people when something was goes into scripts/clocks/labels.json."
    ).toStrictEqual([])
  })

  it("lists only uses that still exist", () => {
    const gone = Object.entries(labels).filter(
      ([file, { uses: listed, why }]) => countOf(file) !== listed || why === ""
    )
    expect(gone).toStrictEqual([])
  })

  it("finds every way to read it", () => {
    const planted = `
      const a = Date.now() + 1000
      const b = [1].map(Date.now)
      const c = new Date()
      const d = Clock.currentTimeMillis
      const e = DateTime.unsafeNow()
      const f = Schedule.spaced("1 second").pipe(Schedule.upTo("1 minute"))
      const g = Effect.cachedWithTTL(look, "1 minute")
      const h = sql\`select 1 from leases where lease_until > \${now}\`
      const fine = [new Date(0), performance.now(), Date.parse(text), Clock.currentTimeNanos, Schedule.spaced("1 second")]
      const alsoFine = sql\`where seen_at < now() - \${ms} * interval '1 millisecond' and sequence > \${after}\`
      const lengthsOnly = sql\`where now() - polled_at < \${seconds} * interval '1 second'\``
    expect(clocksIn(planted, "planted.ts").map((line) => line.line)).toStrictEqual([2, 3, 4, 5, 6, 7, 8, 9])
  })
})
