import { type Autoscaler, makeAutoscaler } from "../autoscaler/Autoscaler.ts"
import type { RevisionTemplate } from "../objects/RevisionTemplate.ts"
import type { RevisionRunner } from "../revisions/RevisionRunner.ts"
import type { Ticker, Ticking } from "./Ticker.ts"

export interface ScalingInput {
  readonly ticker: Ticker
  /** Requests that are held. */
  readonly waiting: () => number
  /** Gives held requests the available slots. */
  readonly pump: () => void
  readonly afterBeat: () => void
}

/** Scales the serving revision by its requests. When idle it costs nothing. */
export interface Scaling {
  /** From now on the autoscaler decides, until nothing runs and nothing waits. Does nothing if it already decides. */
  readonly begin: (runner: RevisionRunner, template: RevisionTemplate) => void
  readonly end: () => void
}

export const makeScaling = (input: ScalingInput): Scaling => {
  let current: { readonly runner: RevisionRunner; readonly autoscaler: Autoscaler } | undefined

  const end = () => {
    current = undefined
    input.ticker.remove(ticking)
  }

  const ticking: Ticking = {
    beat: (nowMs, decide) => {
      if (current === undefined) return end()
      const { autoscaler, runner } = current
      autoscaler.record(nowMs, runner.pool.stats.report(performance.now()))
      // An instance that becomes ready again isn't announced.
      if (input.waiting() > 0) input.pump()
      if (decide) {
        const decision = autoscaler.scale(nowMs, runner.ready())
        if (decision.valid) {
          runner.scaleTo(Math.max(autoscaler.target(nowMs, decision.desired), input.waiting() > 0 ? 1 : 0))
        }
      }
      if (runner.target() === 0 && runner.all() === 0 && input.waiting() === 0) end()
      input.afterBeat()
    }
  }

  return {
    begin: (runner, template) => {
      if (current?.runner === runner) return
      // Drop the average collected before it was idle.
      runner.pool.stats.report(performance.now())
      const start = { nowMs: input.ticker.now(), readyInstances: Math.max(1, runner.running()) }
      current = { runner, autoscaler: makeAutoscaler(template.scale, start) }
      input.ticker.add(ticking)
    },
    end
  }
}
