import { describe, expect, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { compareLines, type LogLine } from "../../../stores/logs/LogLine.ts"
import { dueIn, given, isFull, type Merging, nothingYet, taken } from "./merging.ts"

const bounds = { windowMillis: 200, maxLines: 5 }

const line = (uid: string, second: number): LogLine => ({
  t: `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000000Z`,
  n: 0,
  uid,
  instance: uid,
  revision: "web-00001",
  line: String(second),
  truncated: false
})

const from = (instances: number, ...batches: ReadonlyArray<readonly [at: number, ...lines: ReadonlyArray<LogLine>]>) =>
  batches.reduce<Merging>((state, [at, ...lines]) => given(state, lines, at), { ...nothingYet, instances })

const textsOf = (lines: ReadonlyArray<LogLine>) => lines.map(({ line, uid }) => `${uid}${line}`)

describe("lines of several instances", () => {
  it.each<readonly [string, Merging, number, number | undefined]>([
    ["wait for nothing if there are none", from(2), 1_000, undefined],
    ["wait for earlier ones of other instances", from(2, [1_000, line("a", 1)]), 1_050, 150],
    ["are due once their window is over", from(2, [1_000, line("a", 1)]), 1_300, 0],
    ["of a single instance don't wait for other instances", from(1, [1_000, line("a", 1)]), 1_000, 0],
    [
      "of a single instance are batched for a fast reader",
      { ...from(1, [1_000, line("a", 1)]), takenAt: 995 },
      1_000,
      5
    ],
    ["are due at once if nothing more will arrive", { ...from(2, [1_000, line("a", 1)]), ended: true }, 1_000, 0],
    [
      "are due at once if no more lines fit",
      from(2, [1_000, ...[1, 2, 3, 4, 5].map((second) => line("a", second))]),
      1_011,
      0
    ]
  ])("%s", (_, state, now, due) => {
    expect(dueIn(state, bounds, now)).toBe(due)
  })

  it("are taken in order of time, not of arrival", () => {
    const state = from(2, [1_000, line("a", 5)], [1_010, line("b", 3)])
    expect(textsOf(taken(state, bounds, 1_300).lines)).toEqual(["b3", "a5"])
  })

  it("stay while their window is open, unless they precede a line that is taken", () => {
    const state = from(2, [1_000, line("a", 5)], [1_150, line("b", 3), line("b", 7)])
    const { lines, state: left } = taken(state, bounds, 1_210)
    expect(textsOf(lines)).toEqual(["b3", "a5"])
    expect(textsOf(taken(left, bounds, 1_400).lines)).toEqual(["b7"])
  })

  it("free room when they are taken", () => {
    const full = from(2, [1_000, ...[1, 2, 3, 4, 5].map((second) => line("a", second))])
    expect(isFull(full, bounds)).toBe(true)
    expect(isFull(taken(full, bounds, 1_000).state, bounds)).toBe(false)
  })

  it("appear once and in their instance's order, whenever they are added and taken", () => {
    const step = fc.oneof(
      fc.record({ give: fc.constantFrom("a", "b", "c"), count: fc.integer({ min: 1, max: 9 }) }),
      fc.constant("take" as const)
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.array(fc.integer({ min: 0, max: 300 })), (steps, waits) => {
        const next = new Map<string, number>()
        const read: Array<LogLine> = []
        let state: Merging = { ...nothingYet, instances: 3 }
        let now = 0
        for (const [index, step] of steps.entries()) {
          now += waits[index] ?? 1
          if (step === "take") {
            const result = taken(state, bounds, now)
            expect([...result.lines]).toEqual([...result.lines].sort(compareLines))
            state = result.state
            read.push(...result.lines)
            continue
          }
          const first = next.get(step.give) ?? 0
          next.set(step.give, first + step.count)
          const lines = Array.from({ length: step.count }, (_, i) => ({ ...line(step.give, 0), n: first + i }))
          state = given(state, lines, now)
        }
        read.push(...taken({ ...state, ended: true }, bounds, now).lines)
        for (const [uid, count] of next)
          expect(read.filter((each) => each.uid === uid).map(({ n }) => n)).toEqual(
            Array.from({ length: count }, (_, i) => i)
          )
      })
    )
  })
})
