import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { makeMaxWindow } from "./maxWindow.ts"
import { makeMetricBuckets } from "./metricBuckets.ts"
import { makeRequestStats } from "./requestStats.ts"

describe("a max window", () => {
  it("returns the largest value of its steps", () => {
    const entries = fc.array(fc.tuple(fc.nat(9000), fc.nat(50)), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 20 }), (entries, steps) => {
        const window = makeMaxWindow(steps * 2000, 2000)
        const taken: Array<{ readonly step: number; readonly value: number }> = []
        let nowMs = 0
        for (const [sinceMs, value] of entries) {
          nowMs += sinceMs
          const step = Math.floor(nowMs / 2000)
          window.record(nowMs, value)
          taken.push({ step, value })
          const inWindow = taken.filter((entry) => step - entry.step < steps)
          expect(window.current()).toBe(Math.max(...inWindow.map((entry) => entry.value)))
        }
      })
    )
  })
})

describe("metric buckets", () => {
  it("average a full window, and a partly filled one", () => {
    const buckets = makeMetricBuckets(4000)
    buckets.record(10_000, 8)
    buckets.record(11_500, 4)
    expect(buckets.average(11_900)).toBe(6)
    for (const second of [12, 13, 14]) buckets.record(second * 1000, 0)
    expect(buckets.average(14_000)).toBe(1)
  })

  it("are empty again after a window without data", () => {
    const buckets = makeMetricBuckets(6000)
    expect(buckets.isEmpty(0)).toBe(true)
    buckets.record(1000, 5)
    expect(buckets.isEmpty(7999)).toBe(false)
    expect(buckets.isEmpty(8000)).toBe(true)
    expect(buckets.average(8000)).toBe(0)
  })
})

describe("request stats", () => {
  it("weight requests by their duration", () => {
    const stats = makeRequestStats(0)
    stats.requestStarted(0)
    stats.requestEnded(500)
    stats.requestStarted(500)
    stats.requestEnded(1000)
    expect(stats.report(1000)).toBe(1)
    expect(stats.report(2000)).toBe(0)
  })

  it("count requests shorter than the report's interval, and those that span several", () => {
    const stats = makeRequestStats(0)
    stats.requestStarted(100)
    stats.requestStarted(200)
    stats.requestEnded(210)
    expect(stats.report(1000)).toBeCloseTo(0.91)
    expect(stats.inFlight()).toBe(1)
    expect(stats.report(2000)).toBe(1)
  })

  it("subtract no time if the clock goes back", () => {
    const stats = makeRequestStats(1000)
    stats.requestStarted(1000)
    stats.requestStarted(1500)
    stats.requestEnded(1200)
    expect(stats.report(2000)).toBe(1)
  })
})
