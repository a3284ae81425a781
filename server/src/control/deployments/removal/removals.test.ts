import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import type { Progress } from "../statuses/progress.ts"
import { planRemovals } from "./removals.ts"
import { prunedText } from "./removeServices.ts"

const names: ReadonlyArray<string> = ["a", "b", "c", "d", "e", "f", "g"]
const services = fc.tuple(
  ...names.map((name) =>
    fc.record({
      name: fc.constant(name),
      action: fc.constantFrom<Progress["action"]>("create", "update", "unchanged", "delete"),
      state: fc.constantFrom<Progress["state"]>("pending", "ready", "failed", "deleted")
    })
  )
)
const calls = fc
  .array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)), { maxLength: 20 })
  .map(
    (edges) => new Map(names.map((name) => [name, new Set<string>(edges.flatMap(([a, b]) => (a === name ? [b] : [])))]))
  )
const runs = { numRuns: 2_000 }

/** Everything reachable from running revisions, computed in another way: by repeating until nothing changes. */
const reached = (
  all: ReadonlyArray<{ name: string; action: string; state: string }>,
  edges: ReadonlyMap<string, ReadonlySet<string>>
) => {
  const leaving = new Set(
    all.filter((each) => each.action === "delete" && each.state !== "deleted").map((each) => each.name)
  )
  const running = new Set(
    all.filter((each) => each.action !== "delete" && each.state !== "ready").map((each) => each.name)
  )
  for (let before = -1; before !== running.size; ) {
    before = running.size
    for (const caller of [...running]) {
      for (const callee of edges.get(caller) ?? []) if (leaving.has(callee)) running.add(callee)
    }
  }
  return new Set([...running].filter((value) => leaving.has(value)))
}

describe("planRemovals", () => {
  it("keeps exactly the services that an unready service may still call", () => {
    fc.assert(
      fc.property(services, calls, (all, edges) => {
        const { now, waiting } = planRemovals(all, edges)
        const kept = reached(all, edges)
        expect(new Set(waiting.keys())).toEqual(kept)
        const leaving = all
          .filter((each) => each.action === "delete" && each.state !== "deleted")
          .map((each) => each.name)
        expect([...now]).toEqual(leaving.filter((value) => !kept.has(value)))
      }),
      runs
    )
  })

  it("names only callers that may still run for each waiting service", () => {
    fc.assert(
      fc.property(services, calls, (all, edges) => {
        const { now, waiting } = planRemovals(all, edges)
        const done = new Set<string>([
          ...now,
          ...all.filter((each) => each.action !== "delete" && each.state === "ready").map((each) => each.name)
        ])
        for (const [callee, callers] of waiting) {
          expect(callers.length).toBeGreaterThan(0)
          expect(new Set(callers).size).toBe(callers.length)
          for (const caller of callers) {
            expect(edges.get(caller)?.has(callee)).toBe(true)
            expect(done.has(caller)).toBe(false)
          }
        }
      }),
      runs
    )
  })

  it("removes more, never less, when another service becomes ready, and everything once all are", () => {
    fc.assert(
      fc.property(services, calls, fc.constantFrom(...names), (all, edges, name) => {
        const before = planRemovals(all, edges)
        const after = planRemovals(
          all.map((each) =>
            each.name === name && each.action !== "delete" ? { ...each, state: "ready" as const } : each
          ),
          edges
        )
        for (const gone of before.now) expect(after.now).toContain(gone)
        const last = planRemovals(
          all.map((each) => (each.action === "delete" ? each : { ...each, state: "ready" as const })),
          edges
        )
        expect(last.waiting.size).toBe(0)
      }),
      runs
    )
  })
})

describe("the event about removed objects", () => {
  it("counts them", () => {
    expect(prunedText(1)).toBe("1 object removed that the app no longer has.")
    expect(prunedText(3)).toBe("3 objects removed that the app no longer has.")
  })
})
