import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { type AutoscalerConfig, clamp, makeAutoscaler, type ScaleDecision } from "./Autoscaler.ts"

const startMs = Date.UTC(2026, 0, 1)

const config: fc.Arbitrary<AutoscalerConfig> = fc.record(
  {
    targetConcurrency: fc.double({ min: 0.01, max: 500, noNaN: true }),
    maxConcurrency: fc.integer({ min: 0, max: 1000 }),
    targetUtilization: fc.double({ min: 0.01, max: 1, noNaN: true }),
    activationScale: fc.integer({ min: 0, max: 10 }),
    stableWindowMs: fc.integer({ min: 6, max: 120 }).map((seconds) => seconds * 1000),
    panicWindowPercentage: fc.double({ min: 1, max: 100, noNaN: true }),
    panicThreshold: fc.double({ min: 1.1, max: 10, noNaN: true }),
    maxScaleUpRate: fc.double({ min: 1.01, max: 1000, noNaN: true }),
    maxScaleDownRate: fc.double({ min: 1.01, max: 10, noNaN: true }),
    scaleDownDelayMs: fc.integer({ min: 0, max: 60 }).map((seconds) => seconds * 1000),
    targetBurstCapacity: fc.double({ min: -1, max: 1000, noNaN: true }),
    reachable: fc.boolean()
  },
  { requiredKeys: [] }
)

/** For each tick, the load of two seconds and the number of ready instances. */
const history = fc.array(fc.tuple(fc.double({ min: 0, max: 1e5, noNaN: true }), fc.integer({ min: 0, max: 200 })), {
  minLength: 1,
  maxLength: 60
})

const run = (
  config: AutoscalerConfig,
  ticks: ReadonlyArray<readonly [load: number, ready: number]>
): ReadonlyArray<ScaleDecision> => {
  const autoscaler = makeAutoscaler(config, { nowMs: startMs, readyInstances: 0 })
  return ticks.map(([load, ready], index) => {
    const nowMs = startMs + (index + 1) * 2000
    autoscaler.record(nowMs - 1000, load)
    autoscaler.record(nowMs, load)
    return autoscaler.scale(nowMs, ready)
  })
}

describe("an autoscaler's decisions", () => {
  it("are whole numbers, and never negative", () => {
    fc.assert(
      fc.property(config, history, (config, ticks) => {
        for (const decision of run(config, ticks)) {
          expect(Number.isSafeInteger(decision.desired) && !Object.is(decision.desired, -0)).toBe(true)
          expect(decision.desired).toBeGreaterThanOrEqual(0)
          expect(Number.isSafeInteger(decision.excessBurstCapacity)).toBe(true)
        }
      })
    )
  })

  it("never want less, or have more to spare, for more load", () => {
    const factor = fc.double({ min: 1, max: 50, noNaN: true })
    fc.assert(
      fc.property(config, history, factor, (config, ticks, factor) => {
        const less = run(config, ticks)
        const more = run(
          config,
          ticks.map(([load, ready]) => [load * factor, ready] as const)
        )
        for (const [index, decision] of less.entries()) {
          expect(more[index]?.desired).toBeGreaterThanOrEqual(decision.desired)
          expect(more[index]?.excessBurstCapacity).toBeLessThanOrEqual(decision.excessBurstCapacity)
        }
      })
    )
  })

  it("stay between min and max once clamped", () => {
    const bounds = fc.tuple(fc.nat(20), fc.nat(20)).map(([min, more]) => ({ min, max: min + more }))
    fc.assert(
      fc.property(config, history, bounds, (config, ticks, bounds) => {
        for (const { desired } of run(config, ticks)) {
          const clamped = clamp(bounds, desired)
          expect(clamped).toBeGreaterThanOrEqual(bounds.min)
          if (bounds.max > 0) expect(clamped).toBeLessThanOrEqual(bounds.max)
        }
      })
    )
  })

  it("reach zero once the windows have passed without load", () => {
    fc.assert(
      fc.property(config, history, (config, ticks) => {
        const autoscaler = makeAutoscaler(config)
        let nowMs = startMs
        let instances = 0
        const second = (load: number): void => {
          nowMs += 1000
          autoscaler.record(nowMs, load)
          const decision = autoscaler.scale(nowMs, instances)
          instances = autoscaler.target(nowMs, decision.desired)
        }
        for (const [load] of ticks) second(Math.min(load, 1000))
        const delay = (config.scaleDownDelayMs ?? 0) / 1000
        const idle = (2 * (config.stableWindowMs ?? 60_000)) / 1000 + 2 * delay + 10
        for (let passed = 0; passed < idle; passed++) second(0)
        // The rest shrinks only by the scale-down rate, at least by one per decision.
        let steps = 0
        for (let left = instances; left > 0; left = Math.floor(left / (config.maxScaleDownRate ?? 2))) steps++
        for (let passed = 0; passed < steps * (3 + delay); passed++) second(0)
        expect(instances).toBe(0)
      }),
      { numRuns: 50 }
    )
  })
})

describe("an autoscaler", () => {
  const seconds = (autoscaler: ReturnType<typeof makeAutoscaler>, from: number, to: number, load: number) => {
    for (let second = from; second < to; second++) autoscaler.record(startMs + second * 1000, load)
  }

  it("wants an instance as soon as a request arrives at zero", () => {
    const autoscaler = makeAutoscaler({})
    autoscaler.record(startMs + 1, 1)
    expect(autoscaler.scale(startMs + 2, 0)).toMatchObject({ valid: true, desired: 1, panic: false })
  })

  it("decides nothing without data", () => {
    expect(makeAutoscaler({}).scale(startMs, 0).valid).toBe(false)
  })

  it("stops an idle service after its stable window, and not before", () => {
    const autoscaler = makeAutoscaler({ stableWindowMs: 30_000 })
    seconds(autoscaler, 0, 100, 3)
    autoscaler.scale(startMs + 99_000, 1)
    seconds(autoscaler, 100, 129, 0)
    expect(autoscaler.scale(startMs + 128_000, 1).desired).toBe(1)
    seconds(autoscaler, 129, 130, 0)
    expect(autoscaler.scale(startMs + 129_000, 1).desired).toBe(0)
  })

  it("panics in a surge, and then doesn't shrink for a stable window", () => {
    const autoscaler = makeAutoscaler({ targetConcurrency: 10, stableWindowMs: 60_000 })
    seconds(autoscaler, 0, 60, 7)
    expect(autoscaler.scale(startMs + 59_000, 1)).toMatchObject({ desired: 1, panic: false })
    seconds(autoscaler, 60, 66, 70)
    expect(autoscaler.scale(startMs + 65_000, 1)).toMatchObject({ desired: 10, panic: true })
    seconds(autoscaler, 66, 125, 0)
    expect(autoscaler.scale(startMs + 125_000, 10)).toMatchObject({ desired: 10, panic: true })
    seconds(autoscaler, 125, 127, 0)
    expect(autoscaler.scale(startMs + 126_000, 10)).toMatchObject({ desired: 5, panic: false })
  })

  it("keeps the instances that it finds after a restart", () => {
    const autoscaler = makeAutoscaler({}, { nowMs: startMs, readyInstances: 4 })
    seconds(autoscaler, 0, 3, 0)
    expect(autoscaler.scale(startMs + 2000, 4)).toMatchObject({ desired: 4, panic: true })
  })

  it("keeps a new revision's instance for a stable window", () => {
    const autoscaler = makeAutoscaler({ stableWindowMs: 60_000 }, { nowMs: startMs, readyInstances: 1 })
    expect(autoscaler.target(startMs + 2000, 0)).toBe(1)
    expect(autoscaler.target(startMs + 59_000, 0)).toBe(1)
    expect(autoscaler.target(startMs + 60_000, 0)).toBe(0)
  })

  it("keeps the last instance for the retention time, unless no route points to it", () => {
    const config = { stableWindowMs: 6000, scaleToZeroPodRetentionMs: 20_000 }
    const autoscaler = makeAutoscaler(config)
    expect(autoscaler.target(startMs, 2)).toBe(2)
    expect(autoscaler.target(startMs + 10_000, 0)).toBe(1)
    expect(autoscaler.target(startMs + 29_000, 0)).toBe(1)
    autoscaler.setReachable(false)
    expect(autoscaler.target(startMs + 29_001, 0)).toBe(0)
    autoscaler.setReachable(true)
    expect(autoscaler.target(startMs + 30_000, 0)).toBe(0)
  })

  it("keeps min only while a route points to the revision", () => {
    const autoscaler = makeAutoscaler({ min: 2, max: 3 })
    expect([0, 9].map((desired) => autoscaler.target(startMs, desired))).toEqual([2, 3])
    autoscaler.setReachable(false)
    expect(autoscaler.target(startMs + 60_000, 0)).toBe(0)
  })
})
