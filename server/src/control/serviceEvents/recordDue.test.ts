import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Gathered } from "./gathering.ts"
import { recordDue } from "./recordDue.ts"

it.effect("many reports are recorded in short transactions by organization, and what failed is put back", () =>
  Effect.gen(function* () {
    const due = Array.from({ length: 500 }, (_, n): Gathered<string> => {
      const service = `${n % 2 === 0 ? "acme" : "beta"}/${n}`
      return { group: service, items: [service], more: n }
    })
    const written: Array<ReadonlyArray<Gathered<string>>> = []
    const left: Array<Gathered<string>> = []
    let fails = true
    const recording = recordDue(due, {
      organizationOf: (item) => item.slice(0, 4),
      record: (reports) =>
        Effect.suspend(() => {
          if (fails && written.length === 2) return Effect.fail("away" as const)
          written.push(reports)
          return Effect.void
        }),
      again: (reports) => Effect.sync(() => void left.push(...reports))
    })
    expect(yield* Effect.flip(recording)).toBe("away")
    expect(written.map((reports) => reports.length)).toEqual([200, 200])
    expect(new Set(written[0]?.map(({ group }) => group.slice(0, 4)))).toEqual(new Set(["acme"]))
    expect([...written.flat(), ...left].toSorted((a, b) => a.more - b.more)).toEqual(due)
    fails = false
    left.length = 0
    yield* recording
    expect(left).toEqual([])
  })
)
