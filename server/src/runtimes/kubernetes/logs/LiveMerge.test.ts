import { expect, it } from "@effect/vitest"
import { Effect, FastCheck as fc } from "effect"
import type { LogLine } from "../../../stores/logs/LogLine.ts"
import { LiveMerge } from "./LiveMerge.ts"

const timeOf = (n: number) => `2026-01-01T00:00:00.${String(n).padStart(9, "0")}Z`

const lineOf = (uid: string, n: number): LogLine => ({
  t: timeOf(n),
  n: 0,
  uid,
  instance: uid,
  revision: "web-00001",
  line: String(n),
  truncated: false
})

/** Adds an instance's lines, numbered from 0, in chunks of these sizes. */
const giveAll = (merge: LiveMerge, uid: string, sizes: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    let n = 0
    for (const size of sizes) {
      yield* merge.give(Array.from({ length: size }, () => lineOf(uid, n++)))
    }
  })

const readAll = Effect.fn(function* (merge: LiveMerge) {
  const read: Array<LogLine> = []
  for (;;) {
    const lines = yield* merge.take
    if (lines === undefined) return read
    read.push(...lines)
    // The reader is slower than the writer.
    yield* Effect.yieldNow()
  }
})

// The merge waits with its own timers.
it.live.prop(
  "every line arrives once, in its instance's order, however the writers have to wait for the reader",
  {
    instances: fc.array(fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 8 }), { minLength: 1, maxLength: 3 }),
    maxLines: fc.constantFrom(1, 100, 8_192)
  },
  ({ instances, maxLines }) =>
    Effect.gen(function* () {
      const merge = new LiveMerge({ maxLines, windowMillis: 2 })
      merge.instances = instances.length
      const given = Effect.forEach(instances, (sizes, i) => giveAll(merge, `pod-${i}`, sizes), {
        concurrency: "unbounded",
        discard: true
      }).pipe(Effect.andThen(Effect.sync(() => merge.end())))
      const [, read] = yield* Effect.all([given, readAll(merge)], { concurrency: "unbounded" })
      for (const [i, sizes] of instances.entries()) {
        const count = sizes.reduce((sum, size) => sum + size, 0)
        const numbers = read.filter(({ uid }) => uid === `pod-${i}`).map(({ line }) => Number(line))
        expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n))
      }
    }),
  { fastCheck: { numRuns: 30 } }
)
