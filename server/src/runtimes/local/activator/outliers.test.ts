import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  afterRequest,
  failuresUntilEjected,
  firstEjectionMs,
  goodStanding,
  isEjected,
  longestEjectionMs,
  type Outcome
} from "./outliers.ts"
import { makePool } from "./Pool.ts"

const events = fc.array(
  fc.record({ outcome: fc.constantFrom<Outcome>("answered", "failed"), afterMs: fc.nat(20_000) }),
  { maxLength: 60 }
)

describe("the standing of an instance", () => {
  it("is lost after three failures in a row, for 5 to 60 seconds, and restored by any answer", () => {
    fc.assert(
      fc.property(events, (all) => {
        let standing = goodStanding
        let now = 0
        let sinceAnswer = 0
        for (const { afterMs, outcome } of all) {
          now += afterMs
          const before = standing
          standing = afterRequest(before, outcome, now)
          sinceAnswer = outcome === "answered" ? 0 : sinceAnswer + 1
          if (outcome === "answered") expect(standing).toEqual(goodStanding)
          if (sinceAnswer < failuresUntilEjected) expect(isEjected(standing, now)).toBe(false)
          if (sinceAnswer >= failuresUntilEjected) expect(isEjected(standing, now)).toBe(true)
          // A failure while it is passed over doesn't extend the time.
          if (isEjected(before, now) && outcome === "failed") expect(standing).toBe(before)
          if (standing !== before && isEjected(standing, now)) {
            const forMs = standing.untilMs - now
            expect(forMs).toBe(Math.min(longestEjectionMs, firstEjectionMs * 2 ** (standing.ejections - 1)))
          }
          expect(isEjected(standing, now + longestEjectionMs)).toBe(false)
        }
      }),
      { numRuns: 500 }
    )
  })
})

describe("a pool with a failing instance", () => {
  const poolOf = (count: number) => {
    const pool = makePool(0, { onRoom: () => {}, onDrained: () => {}, onSuspect: () => {} })
    for (let at = 0; at < count; at++) pool.add({ id: String(at), host: "127.0.0.1", port: at, isReady: () => true })
    return pool
  }

  it("gives it no more requests while another one answers, and never refuses a request because of it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(4), { maxLength: 5 }), (count, failing) => {
        const pool = poolOf(count)
        const bad = new Set(failing.map((value) => String(value % count)))
        const one = () => {
          const lease = pool.take()
          if (lease === undefined) throw new Error("no instance was chosen")
          if (bad.has(lease.id)) lease.overdue()
          else lease.answered()
          lease.release()
          return lease.id
        }
        for (let turn = 0; turn < count * (failuresUntilEjected + 1); turn++) one()
        const chosen = Array.from({ length: 20 }, one)
        const good = Array.from({ length: count }, (_, at) => String(at)).filter((value) => !bad.has(value))
        expect(chosen.filter((value) => good.length > 0 && bad.has(value))).toEqual([])
        expect(pool.ready()).toBe(count)
      }),
      { numRuns: 200 }
    )
  })
})
