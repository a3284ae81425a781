import { describe, expect, it } from "@effect/vitest"
import { makeAheadClock } from "./ScalingTime.ts"

describe("a clock that can be moved ahead", () => {
  it("makes every call due in the skipped time, at its time", async () => {
    const clock = makeAheadClock()
    const began = clock.now()
    const calls: Array<string> = []
    const note = (name: string) => () => calls.push(`${name} ${Math.floor((clock.now() - began) / 10_000)}`)
    const ends = [clock.every(20_000, note("a")), clock.every(30_000, note("b"))]
    await clock.advance(65_000)
    expect(calls).toStrictEqual(["a 2", "b 3", "a 4", "a 6", "b 6"])
    await clock.advance(15_000)
    expect(calls.slice(5)).toStrictEqual(["a 8"])
    for (const end of ends) end()
    await clock.advance(60_000)
    expect(calls).toHaveLength(6)
    expect(clock.now() - began).toBeGreaterThanOrEqual(140_000)
  })

  it("cancels what a call cancels, and doesn't move other clocks", async () => {
    const clock = makeAheadClock()
    const other = makeAheadClock()
    let calls = 0
    const end = clock.every(60_000, () => {
      calls++
      end()
    })
    other.every(60_000, () => calls++)()
    await other.advance(120_000)
    expect(calls).toBe(0)
    await clock.advance(300_000)
    expect(calls).toBe(1)
  })
})
