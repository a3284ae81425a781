import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { awayBetween, awayMillis, noOutages, type Outages, outageStep } from "./outages.ts"

const fold = (...outcomes: ReadonlyArray<Parameters<typeof outageStep>[1]>): Outages =>
  outcomes.reduce(outageStep, noOutages)

describe("outages", () => {
  it("begin when the first request without an answer was sent, and end at the next answer", () => {
    const away = fold({ type: "answered", at: 100 }, { type: "unanswered", sentAt: 400, at: 30_400 })
    expect(away.since).toBe(400)
    expect(awayMillis(away, 31_000)).toBe(30_600)
    const back = outageStep(away, { type: "answered", at: 40_400 })
    expect(back.since).toBeUndefined()
    expect(awayMillis(back, 99_000)).toBe(40_000)
  })

  it("don't include the time before an answer that came while a request was still unanswered", () => {
    const state = fold({ type: "answered", at: 20_000 }, { type: "unanswered", sentAt: 400, at: 30_400 })
    expect(state.since).toBe(20_000)
  })

  it("don't begin anew with further unanswered requests", () => {
    const state = fold(
      { type: "unanswered", sentAt: 100, at: 200 },
      { type: "unanswered", sentAt: 5_000, at: 6_000 },
      { type: "unanswered", sentAt: 90_000, at: 91_000 }
    )
    expect(state.since).toBe(100)
  })

  const phases = fc.array(
    fc.record({ up: fc.integer({ min: 1, max: 60_000 }), away: fc.integer({ min: 1, max: 900_000 }) }),
    {
      maxLength: 20
    }
  )

  it("add up to exactly the time without answers, between any two times", () =>
    fc.assert(
      fc.property(phases, fc.nat(10_000_000), fc.nat(10_000_000), (all, one, other) => {
        let at = 0
        let state = noOutages
        const ends: Array<{ readonly from: number; readonly to: number }> = []
        for (const { away, up } of all) {
          state = outageStep(state, { type: "answered", at: at + up })
          ends.push({ from: at + up, to: at + up + away })
          state = outageStep(state, { type: "unanswered", sentAt: at + up, at: at + up + away / 2 })
          at += up + away
          state = outageStep(state, { type: "answered", at })
        }
        expect(awayMillis(state, at + 5)).toBe(all.reduce((sum, { away }) => sum + away, 0))
        const [from, to] = [Math.min(one, other), Math.max(one, other)]
        const away = ends.reduce((sum, each) => sum + Math.max(0, Math.min(each.to, to) - Math.max(each.from, from)), 0)
        expect(awayBetween(state, from, to)).toBe(away)
      })
    ))
})
