import { describe, expect, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { type GatherBounds, gather, makeGathering, putBack, takeDue } from "./gathering.ts"

const bounds: GatherBounds = { firstMs: 5_000, spacingMs: 30_000, keptMs: 60_000, most: 3 }
const ours = () => true

describe("what happens to a service", () => {
  it("is reported once it has had time to come together", () => {
    const state = makeGathering<string>(bounds)
    gather(state, "web", "1", "one", 0)
    gather(state, "web", "2", "two", 4_000)
    gather(state, "web", "1", "one, repeated", 4_500)
    expect(takeDue(state, 4_999, ours)).toEqual([])
    expect(takeDue(state, 5_000, ours)).toEqual([{ group: "web", items: ["two", "one, repeated"], more: 0 }])
    expect(takeDue(state, 100_000, ours)).toEqual([])
    expect(state.groups.size).toBe(0)
  })

  it("is reported again only after a while, and delays no other service", () => {
    const state = makeGathering<string>(bounds)
    gather(state, "web", "1", "one", 0)
    takeDue(state, 5_000, ours)
    gather(state, "web", "2", "two", 6_000)
    gather(state, "api", "3", "three", 6_000)
    expect(takeDue(state, 11_000, ours).map(({ group }) => group)).toEqual(["api"])
    expect(takeDue(state, 34_999, ours)).toEqual([])
    expect(takeDue(state, 35_000, ours).map(({ items }) => items)).toEqual([["two"]])
  })

  it("takes bounded memory, and counts what it drops", () => {
    const state = makeGathering<number>(bounds)
    for (let id = 0; id < 10; id++) gather(state, "web", String(id), id, 0)
    expect(takeDue(state, 5_000, ours)).toEqual([{ group: "web", items: [7, 8, 9], more: 7 }])
  })

  it("waits for its owner, and not forever", () => {
    const state = makeGathering<string>(bounds)
    gather(state, "web", "1", "one", 0)
    gather(state, "api", "1", "one", 0)
    const owned = new Set<string>()
    const look = (nowMs: number) => takeDue(state, nowMs, () => owned.has("yes"))
    expect(look(5_000)).toEqual([])
    owned.add("yes")
    expect(look(10_000).length).toBe(2)
    owned.clear()
    gather(state, "web", "2", "two", 40_000)
    expect(look(99_999)).toEqual([])
    look(100_000)
    owned.add("yes")
    expect(look(100_001)).toEqual([])
    expect(state.groups.size).toBe(0)
  })

  it("loses only what is old while nobody owns it", () => {
    const state = makeGathering<number>(bounds)
    const nobodys = () => false
    for (let id = 0; id < 5; id++) gather(state, "web", String(id), id, 0)
    gather(state, "web", "late", 99, 59_000)
    gather(state, "web", "4", 4, 59_500)
    expect(takeDue(state, 60_000, nobodys)).toEqual([])
    // 3 is too old, and so are those that it had pushed out.
    expect(takeDue(state, 60_001, ours)).toEqual([{ group: "web", items: [99, 4], more: 0 }])
  })

  it("is put back with the count of what was dropped, before what has come since", () => {
    const state = makeGathering<number>(bounds)
    for (let id = 0; id < 10; id++) gather(state, "web", String(id), id, 0)
    const failed = takeDue(state, 5_000, ours)
    gather(state, "web", "9", 9, 6_000)
    gather(state, "web", "10", 10, 7_000)
    putBack(state, failed, String, 8_000)
    expect(takeDue(state, 34_999, ours)).toEqual([])
    expect(takeDue(state, 40_000, ours)).toEqual([{ group: "web", items: [8, 9, 10], more: 8 }])
    expect(takeDue(state, 80_000, ours)).toEqual([])
    expect(state.groups.size).toBe(0)
  })
})

interface Step {
  readonly wait: number
  readonly service: number
  readonly id: number
  readonly looks: boolean
}

const steps: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(
  fc.record({ wait: fc.nat(20_000), service: fc.nat(3), id: fc.nat(200), looks: fc.boolean() }),
  { maxLength: 200 }
)

describe("whatever happens", () => {
  it("nothing is lost, reports keep their distance, and each is bounded", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const state = makeGathering<string>(bounds)
        const reports: Array<{ readonly at: number; readonly group: string; readonly count: number }> = []
        const since = new Map<string, number>()
        const waiting = new Map<string, Set<number>>()
        let now = 0
        const look = () => {
          for (const { group, items, more } of takeDue(state, now, ours)) {
            expect(items.length).toBeLessThanOrEqual(bounds.most)
            // An id that was dropped may come again, and then counts twice: never too few.
            expect(items.length + more).toBeGreaterThanOrEqual(waiting.get(group)?.size ?? 0)
            expect(now - (since.get(group) ?? now)).toBeGreaterThanOrEqual(bounds.firstMs)
            const before = reports.findLast((report) => report.group === group)
            if (before !== undefined) expect(now - before.at).toBeGreaterThanOrEqual(bounds.spacingMs)
            reports.push({ at: now, group, count: items.length + more })
            waiting.delete(group)
            since.delete(group)
          }
        }
        for (const { id, looks, service, wait } of all) {
          now += wait
          const group = `service ${service}`
          gather(state, group, String(id), `${group} ${id}`, now)
          waiting.set(group, (waiting.get(group) ?? new Set()).add(id))
          since.set(group, since.get(group) ?? now)
          if (looks) look()
        }
        now += bounds.firstMs + bounds.spacingMs
        look()
        expect([...waiting]).toEqual([])
        now += bounds.spacingMs
        look()
        expect(state.groups.size).toBe(0)
      }),
      { numRuns: 300 }
    )
  })
})
