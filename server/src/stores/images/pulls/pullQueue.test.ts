import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { nextPull, pullLimits, type Queued } from "./pullQueue.ts"

interface Pull extends Queued {
  readonly id: number
}

/** Pulls that come and end, as the queue lets them; `hangs` never end. */
const play = (steps: ReadonlyArray<{ readonly pull: Pull; readonly ends: boolean }>) => {
  let running: ReadonlyArray<Pull> = []
  let waiting: ReadonlyArray<Pull> = []
  const seen: Array<ReadonlyArray<Pull>> = []
  const fill = () => {
    for (let next = nextPull(pullLimits, running, waiting); next !== undefined; ) {
      const started = next
      running = [...running, started]
      waiting = waiting.filter((value) => value !== started)
      seen.push(running)
      next = nextPull(pullLimits, running, waiting)
    }
  }
  for (const { ends, pull } of steps) {
    if (ends) running = running.slice(1)
    waiting = [...waiting, pull]
    fill()
  }
  return { seen, running, waiting }
}

const pulls = fc
  .array(
    fc.record({
      organization: fc.constantFrom("a", "b", "c", "d", "e"),
      registry: fc.constantFrom("x", "y", "z"),
      ends: fc.boolean()
    }),
    { maxLength: 60 }
  )
  .map((all) => all.map(({ ends, ...pull }, id) => ({ ends, pull: { ...pull, id } })))

describe("the queue of pulls", () => {
  it("never runs more than its limits, and starts as many as they allow", () => {
    fc.assert(
      fc.property(pulls, (steps) => {
        const { running, seen, waiting } = play(steps)
        for (const under of seen) {
          expect(under.length).toBeLessThanOrEqual(pullLimits.most)
          for (const { organization, registry } of under) {
            const own = under.filter((each) => each.organization === organization)
            expect(own.length).toBeLessThanOrEqual(pullLimits.ofOrganization)
            expect(own.filter((each) => each.registry === registry).length).toBeLessThanOrEqual(pullLimits.ofRegistry)
          }
        }
        expect(nextPull(pullLimits, running, waiting)).toBeUndefined()
      }),
      { numRuns: 1000 }
    )
  })

  it("never makes anybody's first pull wait for the pulls of others, however many hang", () => {
    fc.assert(
      fc.property(pulls, (steps) => {
        const { running, waiting } = play(steps)
        for (const { organization } of waiting)
          expect(running.some((each) => each.organization === organization)).toBe(true)
      }),
      { numRuns: 1000 }
    )
  })

  it("gives a free place to the organization with the fewest, and within it to the first in line", () => {
    const of = (organization: string, registry: string, id: number): Pull => ({ organization, registry, id })
    const running = [of("a", "x", 1), of("a", "y", 2), of("b", "x", 3)]
    const waiting = [of("a", "z", 4), of("b", "x", 5), of("b", "y", 6), of("b", "y", 7)]
    expect(nextPull(pullLimits, running, waiting)).toStrictEqual(of("b", "y", 6))
  })

  it("never makes a registry wait for another that hangs", () => {
    const of = (registry: string, id: number): Pull => ({ organization: "local", registry, id })
    const { running, waiting } = play([1, 2, 3, 4].map((id) => ({ ends: false, pull: of("hangs", id) })))
    expect([running.length, waiting.length]).toStrictEqual([2, 2])
    expect(nextPull(pullLimits, running, [...waiting, of("works", 5)])).toStrictEqual(of("works", 5))
  })
})
