import { describe, expect, it } from "@effect/vitest"
import { decisionText, type RecordedTrace, readTraces, ticksOf } from "../../../../test/autoscaler/trace.ts"
import { makeAutoscaler } from "./Autoscaler.ts"
import { deciderSpec } from "./AutoscalerConfig.ts"
import { type Decider, makeDecider } from "./decider.ts"
import { makeMetricBuckets } from "./metricBuckets.ts"

const traces = readTraces()
const sampled = traces.filter((trace) => trace.kind === "samples")
const given = traces.filter((trace) => trace.kind === "observed")
const startOf = (trace: RecordedTrace) => ({ nowMs: trace.startMs, readyInstances: trace.startReady })

describe("decisions recorded from Knative", () => {
  it("cover every mode and load", () => {
    expect(sampled).toHaveLength(1000)
    expect(given).toHaveLength(200)
    expect(new Set(sampled.map((trace) => trace.load)).size).toBe(12)
    const modes = sampled.map((trace) => trace.modes).join("")
    for (const mode of "isp") expect(modes.split(mode).length - 1).toBeGreaterThan(2000)
  })

  it("have the targets and windows resolved from the config", () => {
    for (const trace of traces) {
      const { panicThreshold, panicWindowMs, targetValue, totalValue } = deciderSpec(trace.config)
      expect({ panicThreshold, panicWindowMs, targetValue, totalValue }).toEqual(trace.resolved)
    }
  })

  it("equal the autoscaler's on 1,000 loads, sample by sample", () => {
    for (const [index, trace] of sampled.entries()) {
      const autoscaler = makeAutoscaler(trace.config, startOf(trace))
      let reachable = trace.config.reachable
      const ticks = ticksOf(trace)
      const decisions = ticks.map((tick) => {
        for (const { atMs, concurrency } of tick.samples) autoscaler.record(atMs, concurrency)
        if (tick.flipsReachable) {
          reachable = !reachable
          autoscaler.setReachable(reachable)
        }
        const decision = autoscaler.scale(tick.nowMs, tick.ready)
        return decisionText(decision.valid, decision.panic, decision.desired, decision.excessBurstCapacity)
      })
      expect(decisions, `${trace.load} (trace ${index})`).toEqual(ticks.map((tick) => tick.decision))
    }
  })

  it("use averages that equal the buckets' to the last digit", () => {
    const kept = sampled.filter((trace) => trace.observed.length > 0)
    expect(kept).toHaveLength(100)
    for (const trace of kept) {
      const spec = deciderSpec(trace.config)
      const stable = makeMetricBuckets(spec.stableWindowMs)
      const panic = makeMetricBuckets(spec.panicWindowMs)
      for (const tick of ticksOf(trace)) {
        for (const { atMs, concurrency } of tick.samples) {
          stable.record(atMs, concurrency)
          panic.record(atMs, concurrency)
        }
        if (tick.decision === "invalid") continue
        expect([stable.average(tick.nowMs), panic.average(tick.nowMs)]).toEqual([
          tick.observed?.stable,
          tick.observed?.panic
        ])
      }
    }
  })

  it("equal the formula's for the given averages", () => {
    for (const [index, trace] of given.entries()) {
      const decider = makeDecider(deciderSpec(trace.config), startOf(trace))
      const ticks = ticksOf(trace)
      let reachable = trace.config.reachable
      const decisions = ticks.map((tick) => {
        if (tick.flipsReachable) {
          reachable = !reachable
          decider.setReachable(reachable)
        }
        return decide(decider, tick)
      })
      expect(decisions, `trace ${index}`).toEqual(ticks.map((tick) => tick.decision))
    }
  })
})

const decide = (decider: Decider, tick: ReturnType<typeof ticksOf>[number]): string => {
  if (tick.observed === undefined) throw new Error("the trace has no averages")
  const decision = decider.decide(tick.nowMs, tick.ready, tick.observed)
  return decisionText(decision.valid, decision.panic, decision.desired, decision.excessBurstCapacity)
}
