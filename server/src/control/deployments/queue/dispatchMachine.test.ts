import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import * as fc from "fast-check"
import {
  type DispatchEffect,
  type DispatchState,
  dispatchStep,
  lookMs,
  nothingHeld,
  type PassEnd
} from "./dispatchMachine.ts"
import type { Lease, Outcome } from "./WorkQueue.ts"

const lease = (token: string): Lease => ({
  key: {
    organizationId: OrganizationId.make(`org_${"0".repeat(32)}`),
    organization: OrganizationName.make("acme"),
    app: AppName.make("shop"),
    stage: StageName.make("production")
  },
  token,
  attempts: 0,
  since: 0,
  holder: undefined
})
const done: Outcome = { _tag: "done" }
const [one, two] = [lease("one"), lease("two")]

const holding = (limit: number, ...leases: ReadonlyArray<Lease>): DispatchState => ({
  limit,
  held: new Map(leases.map((lease) => [lease.token, lease]))
})

describe("dispatching work", () => {
  it("claims as much as there are free workers, and nothing while all are busy", () => {
    expect(dispatchStep(holding(3, one), { type: "woken" }).effects).toEqual([{ type: "claim", most: 2 }])
    expect(dispatchStep(holding(1, one), { type: "woken" }).effects).toEqual([{ type: "wait", ms: lookMs }])
  })

  it("starts a pass for each lease, and asks when more is due while a worker is free", () => {
    const some = dispatchStep(nothingHeld(3), { type: "claimed", leases: [one, two] })
    expect(some.effects.map((effect) => effect.type)).toEqual(["start", "start", "askNext"])
    const full = dispatchStep(nothingHeld(2), { type: "claimed", leases: [one, two] })
    expect(full.effects.map((effect) => effect.type)).toEqual(["start", "start", "wait"])
  })

  it("waits until the next key is due, at least a moment and at most until the next regular check", () => {
    const waits = (inMs: number | undefined) => dispatchStep(nothingHeld(1), { type: "nextKnown", inMs }).effects
    expect(waits(300)).toEqual([{ type: "wait", ms: 300 }])
    expect(waits(-5)).toEqual([{ type: "wait", ms: 1 }])
    expect(waits(60_000)).toEqual([{ type: "wait", ms: lookMs }])
    expect(waits(undefined)).toEqual([{ type: "wait", ms: lookMs }])
  })

  it("reports the result of a pass to the queue before removing its lease from the list", () => {
    const ended = dispatchStep(holding(1, one), {
      type: "passEnded",
      lease: one,
      end: { type: "outcome", outcome: done }
    })
    expect(ended.effects).toEqual([{ type: "finish", lease: one, outcome: done }])
    expect(ended.state.held.has("one")).toBe(true)
    expect(dispatchStep(ended.state, { type: "givenBack", lease: one }).state.held.size).toBe(0)
  })

  it("writes nothing under a lost lease", () => {
    const ended = dispatchStep(holding(1, one), { type: "passEnded", lease: one, end: { type: "lost" } })
    expect(ended).toEqual({ state: nothingHeld(1), effects: [] })
  })

  it("returns the lease of a broken pass, and lets it expire if that fails too", () => {
    const broken = dispatchStep(holding(1, one), { type: "passEnded", lease: one, end: { type: "failed" } })
    const [effect] = broken.effects
    expect(effect).toMatchObject({ type: "finish", outcome: { _tag: "retry", failed: true } })
    if (effect?.type !== "finish") return
    const failed = dispatchStep(broken.state, { type: "finishFailed", lease: one, outcome: effect.outcome })
    expect(failed).toEqual({ state: nothingHeld(1), effects: [] })
  })

  it("retries returning a lease if its pass's result can't be written", () => {
    const failed = dispatchStep(holding(1, one), { type: "finishFailed", lease: one, outcome: done })
    expect(failed.effects).toMatchObject([{ type: "finish", lease: one, outcome: { _tag: "retry", failed: true } }])
  })
})

/** The environment's answers to effects in progress, in any order: the loop's, the passes', and the queue's. */
const run = (draw: <A>(arb: () => fc.Arbitrary<A>) => A, limit: number) => {
  let state = nothingHeld(limit)
  let made = 0
  const seen: Array<DispatchEffect> = []
  const lost = new Set<string>()
  const open: Array<DispatchEffect> = []
  const tell = (event: Parameters<typeof dispatchStep>[1]) => {
    const next = dispatchStep(state, event)
    state = next.state
    seen.push(...next.effects)
    open.push(...next.effects)
    expect(state.held.size).toBeLessThanOrEqual(limit)
  }
  const answer = (effect: DispatchEffect) => {
    switch (effect.type) {
      case "claim":
        if (draw(() => fc.integer({ min: 0, max: 9 })) === 0) return tell({ type: "queueUnreadable" })
        return tell({
          type: "claimed",
          leases: Array.from({ length: draw(() => fc.integer({ min: 0, max: effect.most })) }, () => lease(`${made++}`))
        })
      case "askNext":
        return tell({ type: "nextKnown", inMs: draw(() => fc.option(fc.integer(), { nil: undefined })) })
      case "start": {
        const end = draw(() => fc.constantFrom<PassEnd["type"]>("outcome", "lost", "failed"))
        if (end === "lost") lost.add(effect.lease.token)
        return tell({
          type: "passEnded",
          lease: effect.lease,
          end: end === "outcome" ? { type: end, outcome: done } : { type: end }
        })
      }
      case "finish":
        return tell(
          draw(() => fc.boolean())
            ? { type: "givenBack", lease: effect.lease }
            : { type: "finishFailed", lease: effect.lease, outcome: effect.outcome }
        )
      default:
        return tell({ type: "woken" })
    }
  }
  tell({ type: "woken" })
  for (let events = 0; events < 60; events++) {
    const index = draw(() => fc.nat({ max: open.length - 1 }))
    for (const effect of open.splice(index, 1)) answer(effect)
  }
  // Let the effects in progress finish.
  for (let busy = open.find((each) => each.type === "start" || each.type === "finish"); busy !== undefined; ) {
    open.splice(open.indexOf(busy), 1)
    answer(busy)
    busy = open.find((each) => each.type === "start" || each.type === "finish")
  }
  return { state, seen, lost, loops: open }
}

describe("dispatching work, in any order of events", () => {
  const always = (holds: (result: ReturnType<typeof run>) => void) =>
    fc.assert(
      fc.property(
        fc.gen().chain((draw) => fc.integer({ min: 1, max: 4 }).map((limit) => run(draw, limit))),
        (result) => {
          holds(result)
        }
      ),
      { numRuns: 300 }
    )

  it("holds no lease once every pass has ended, and the loop continues", () =>
    always(({ loops, state }) => {
      expect(state.held.size).toBe(0)
      expect(loops).toHaveLength(1)
    }))

  it("starts each lease once, reports each to the queue at most twice, and never reports a lost one", () =>
    always(({ lost, seen }) => {
      const started = seen.flatMap((each) => (each.type === "start" ? [each.lease.token] : []))
      expect(new Set(started).size).toBe(started.length)
      const finished = seen.flatMap((each) => (each.type === "finish" ? [each.lease.token] : []))
      for (const token of started) expect(finished.filter((value) => value === token).length).toBeLessThanOrEqual(2)
      expect(finished.filter((value) => lost.has(value))).toEqual([])
    }))
})
