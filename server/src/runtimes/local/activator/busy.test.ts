import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { makePool, type PoolLease } from "./Pool.ts"

const later = Number.POSITIVE_INFINITY
const poolOfOne = () => {
  const pool = makePool(0, { onRoom: () => {}, onDrained: () => {}, onSuspect: () => {} })
  pool.add({ id: "a", host: "127.0.0.1", port: 1, isReady: () => true })
  const take = (): PoolLease => {
    const lease = pool.take()
    if (lease === undefined) throw new Error("no room")
    return lease
  }
  /** Waits for the clock to advance, so that the next request is later. */
  const tick = () => {
    for (const now = performance.now(); performance.now() === now; );
  }
  return { ...pool, take, tick, isBusy: (since = later) => pool.isFull("a", since) }
}

describe("an instance without `maxConcurrency` that answers no probe", () => {
  it("is busy with a request from before the probe, until that is answered, cancelled or late", () => {
    for (const end of ["answered", "release", "overdue"] as const) {
      const pool = poolOfOne()
      expect(pool.isBusy()).toBe(false)
      const before = performance.now()
      pool.tick()
      const lease = pool.take()
      expect(pool.isBusy()).toBe(true)
      expect(pool.isBusy(before), "isn't excused by callers that come and go").toBe(false)
      lease[end]()
      expect(pool.isBusy(), end).toBe(false)
    }
  })

  it("isn't excused after a request that took too long, until it answers one", () => {
    const pool = poolOfOne()
    const late = pool.take()
    late.overdue()
    late.release()
    const next = pool.take()
    pool.take()
    expect(pool.isBusy()).toBe(false)
    next.answered()
    expect(pool.isBusy()).toBe(true)
  })

  it("isn't busy with fewer requests than it has handled at once", () => {
    const pool = poolOfOne()
    pool.take()
    pool.take()
    pool.tick()
    pool.take().answered()
    expect(pool.isBusy(), "two wait, and it has handled three at once").toBe(false)
    pool.take()
    expect(pool.isBusy()).toBe(true)
    pool.tick()
    pool.answeredProbe("a", performance.now())
    expect(pool.isBusy()).toBe(false)
  })

  it("isn't mistaken for a multi-threaded one by a queue that it answers in order", () => {
    const pool = poolOfOne()
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (steps) => {
        const queue: Array<PoolLease> = []
        for (const isNew of steps) {
          if (isNew) queue.push(pool.take())
          else {
            const first = queue.shift()
            first?.answered()
            first?.release()
          }
          expect(pool.isBusy()).toBe(queue.length > 0 && queue.length <= 8)
        }
        for (const lease of queue) lease.release()
      })
    )
  })
})
