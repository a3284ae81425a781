import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { awayMillis, noOutages, outageStep } from "../../../runtimes/kubeApi/outages.ts"
import { type Deadline, deadlineOf, measuredBy, restToStore } from "./deadlines.ts"
import type { Begun } from "./stageBase.ts"

const row: Begun = {
  id: "dep_1",
  number: 1,
  finished: false,
  overdue: false,
  remaining_ms: 400,
  force_conflicts: false,
  conflicted: false,
  lost: false,
  inventory: []
}

describe("a deadline", () => {
  it("is the database's when a deployment is first seen", () => {
    expect(deadlineOf(undefined, row, 1_000, 600)).toEqual({ id: "dep_1", atMs: 1_400, storedMs: 400 })
    expect(deadlineOf(undefined, { ...row, remaining_ms: 0 }, 1_000, 600).atMs).toBe(1_000)
  })

  it("is never further away than the full duration, nor in the past, whatever the database's clock says", () => {
    expect(deadlineOf(undefined, { ...row, remaining_ms: 86_400_000 }, 1_000, 600).atMs).toBe(1_600)
    expect(deadlineOf(undefined, { ...row, remaining_ms: -86_400_000 }, 1_000, 600).atMs).toBe(1_000)
  })

  it("stays the same when the database's clock is set, until another deployment arrives", () => {
    const known = { id: "dep_1", atMs: 1_400, storedMs: 400 }
    expect(deadlineOf(known, { ...row, overdue: true, remaining_ms: 0 }, 1_200, 600)).toBe(known)
    expect(deadlineOf(known, { ...row, id: "dep_2" }, 1_200, 600)).toMatchObject({ id: "dep_2", atMs: 1_600 })
  })

  it("decides whether a deployment is overdue", () => {
    const known = { id: "dep_1", atMs: 1_400, storedMs: 400 }
    expect(measuredBy(known, row, 1_399)).toMatchObject({ overdue: false, remaining_ms: 1 })
    expect(measuredBy(known, row, 1_400)).toMatchObject({ overdue: true, remaining_ms: 0 })
  })
})

const progressDeadlineMs = 600_000

/** A phase of a deployment. `down`: no server runs, whatever the cluster does. */
type Phase = { readonly what: "up" | "away" | "down"; readonly ms: number }

const phases = fc
  .array(
    fc.record({
      what: fc.constantFrom<Phase["what"]>("up", "away", "down"),
      ms: fc.oneof(fc.integer({ min: 1, max: 30_000 }), fc.integer({ min: 1, max: 1_200_000 }))
    }),
    { maxLength: 30 }
  )
  // In the end, the cluster is reachable for long enough.
  .map((all): ReadonlyArray<Phase> => [...all, { what: "up", ms: 2 * progressDeadlineMs }])

/**
 * Carries out a deployment by the rules of a pass, whose service becomes ready after this much reachable time. Returns the verdict,
 * with the reachable time that a server has watched until then and until the pass before, and the number of restarts.
 */
const carryOut = (all: ReadonlyArray<Phase>, needsMs: number, everyMs: number) => {
  let outages = noOutages
  let known: Deadline | undefined
  let restMs = progressDeadlineMs
  let now = 0
  const total = { progressed: 0, watched: 0, restarts: 0 }
  let watchedBefore = 0

  const pass = (isReachable: boolean) => {
    const clock = now - awayMillis(outages, now)
    known = deadlineOf(known, { ...row, remaining_ms: restMs }, clock, progressDeadlineMs)
    const toStore = restToStore(known, clock)
    if (toStore !== undefined) {
      restMs = toStore
      known = { ...known, storedMs: toStore }
    }
    if (!isReachable) return undefined
    if (total.progressed >= needsMs) return "succeeded"
    if (measuredBy(known, row, clock).overdue) return "failed"
    watchedBefore = total.watched
    return undefined
  }

  for (const { ms, what } of all) {
    if (what === "down") {
      now += ms
      total.progressed += ms
      total.restarts++
      outages = noOutages
      known = undefined
      continue
    }
    const end = now + ms
    outages = outageStep(
      outages,
      what === "up" ? { type: "answered", at: now } : { type: "unanswered", sentAt: now, at: now }
    )
    for (;;) {
      const verdict = pass(what === "up")
      if (verdict !== undefined) return { verdict, ...total, watchedBefore }
      if (now === end) break
      const step = Math.min(everyMs, end - now)
      now += step
      if (what === "up") {
        total.progressed += step
        total.watched += step
      }
    }
  }
  return { verdict: undefined, ...total, watchedBefore }
}

describe("a deadline, for any outages and restarts", () => {
  const every = fc.integer({ min: 10, max: 5_000 })

  it("fails no deployment whose service becomes ready in time, not counting the outages", () =>
    fc.assert(
      fc.property(phases, fc.integer({ min: 0, max: progressDeadlineMs }), every, (all, needsMs, everyMs) => {
        expect(carryOut(all, needsMs, everyMs).verdict).toBe("succeeded")
      })
    ))

  it("ends after exactly its time, not counting the outages", () =>
    fc.assert(
      fc.property(phases, every, (all, everyMs) => {
        const withoutRestarts = all.filter(({ what }) => what !== "down")
        const { verdict, watched, watchedBefore } = carryOut(withoutRestarts, Number.POSITIVE_INFINITY, everyMs)
        expect(verdict).toBe("failed")
        expect(watched).toBeGreaterThanOrEqual(progressDeadlineMs)
        expect(watchedBefore).toBeLessThan(progressDeadlineMs)
      })
    ))

  it("is extended by a restart by no more than what wasn't stored", () =>
    fc.assert(
      fc.property(phases, every, (all, everyMs) => {
        const { restarts, verdict, watched, watchedBefore } = carryOut(all, Number.POSITIVE_INFINITY, everyMs)
        expect(verdict).toBe("failed")
        expect(watched).toBeGreaterThanOrEqual(progressDeadlineMs)
        expect(watchedBefore).toBeLessThan(progressDeadlineMs + restarts * (2_000 + everyMs))
      })
    ))
})
