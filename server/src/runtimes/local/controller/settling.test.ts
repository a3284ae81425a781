import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import fc from "fast-check"
import { defaultSettle, makeSettling, settleMsOf } from "./settling.ts"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const image = { program: { kind: "image", image: "a:1" } } as const

describe("the time for a new revision to settle", () => {
  it("grows with the duration of the start, within its bounds", () => {
    fc.assert(
      fc.property(fc.nat(600_000), fc.nat(600_000), (one, other) => {
        const [fast, slow] = [one, other].sort((a, b) => a - b)
        const least = settleMsOf(defaultSettle, image, fast ?? 0)
        const most = settleMsOf(defaultSettle, image, slow ?? 0)
        expect(least).toBeGreaterThanOrEqual(defaultSettle.leastMs)
        expect(most).toBeGreaterThanOrEqual(least)
        expect(most).toBeLessThanOrEqual(defaultSettle.mostMs)
      })
    )
  })

  it("is zero for a source that runs in place", () => {
    const inPlace = { program: { kind: "directory", directory: "/app" } } as const
    expect(settleMsOf(defaultSettle, inPlace, 10_000)).toBe(0)
  })

  it("starts again after it was cancelled, and ends once", () => {
    let settled = 0
    const settling = makeSettling(() => settled++)
    settling.begin(700)
    vi.advanceTimersByTime(600)
    settling.begin(700)
    settling.end()
    vi.advanceTimersByTime(600)
    expect(settled).toBe(0)
    settling.begin(700)
    vi.advanceTimersByTime(700)
    expect(settled).toBe(1)
    vi.advanceTimersByTime(10_000)
    expect(settled).toBe(1)
  })
})
