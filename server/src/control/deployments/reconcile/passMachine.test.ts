import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { diagnosisOf } from "@maxcloud/sdk/api"
import * as fc from "fast-check"
import { RuntimeError } from "../../../runtimes/port/Runtime.ts"
import type { Begun } from "../stages/stageBase.ts"
import type { Progress } from "../statuses/progress.ts"
import { beginPass, type PassEffect, type PassEvent, type PassMemory, type PassStep, passStep } from "./passMachine.ts"

const resyncMs = 5_000
const context = "the stage as it is now"

const underWay: Begun = {
  id: "dep_1",
  number: 7,
  finished: false,
  overdue: false,
  remaining_ms: 60_000,
  force_conflicts: false,
  conflicted: false,
  lost: false,
  inventory: []
}
const overdue: Begun = { ...underWay, overdue: true, remaining_ms: -1 }
const settled: Begun = { ...underWay, finished: true }

const service = (name: string, state: Progress["state"], action: Progress["action"] = "update"): Progress => ({
  name: ServiceName.make(name),
  action,
  state,
  revision: null,
  url: null,
  reason: state,
  message: "",
  logTail: [],
  diagnosis: null
})

const refusedError = new RuntimeError({ reason: "refused", message: "somebody else holds it." })
const awayError = new RuntimeError({ reason: "unavailable", message: "the cluster is away" })
const unreachable = new RuntimeError({
  reason: "unavailable",
  message: "no answer",
  diagnosis: diagnosisOf("ClusterUnreachable", "no answer", [])
})

/** Feeds the machine these events, one after another; returns the step after the last. */
const after = (begun: Begun, memory: PassMemory, ...events: ReadonlyArray<PassEvent>): PassStep =>
  events.reduce((step, event) => passStep(step.state, event), beginPass(begun, memory, resyncMs))

const read: PassEvent = { type: "contextRead", context }
const applied: PassEvent = { type: "applied", context }
const followed: ReadonlyArray<PassEvent> = [read, applied, { type: "appliedTold" }]
const seen = (...services: ReadonlyArray<Progress>): ReadonlyArray<PassEvent> => [
  { type: "servicesSeen", services },
  { type: "servicesRemoved", services }
]
const again = (afterMs: number, failed = false): PassEffect => ({
  type: "end",
  outcome: { _tag: "retry", afterMs, failed }
})

describe("a pass", () => {
  it("applies a deployment, reports it, and then checks its services", () => {
    expect(after(underWay, {}).effect).toEqual({ type: "readContext" })
    expect(after(underWay, {}, read).effect).toEqual({ type: "apply", context })
    expect(after(underWay, {}, read, applied).effect).toEqual({ type: "tellApplied" })
    expect(after(underWay, {}, ...followed).effect).toEqual({ type: "follow" })
  })

  it("doesn't apply again what this process has applied while the stage is unchanged", () => {
    expect(after(underWay, { applied: context }, read).effect).toEqual({ type: "follow" })
    expect(after(underWay, { applied: "paused: web" }, read).effect).toEqual({ type: "apply", context })
  })

  it("returns while a service is pending, no later than at the deadline", () => {
    expect(after(underWay, {}, ...followed, ...seen(service("web", "pending"))).effect).toEqual(again(resyncMs))
    const soon = { ...underWay, remaining_ms: 300 }
    expect(after(soon, {}, ...followed, ...seen(service("web", "pending"))).effect).toEqual(again(300))
  })

  it("prunes unused objects before it reports that the deployment succeeded", () => {
    const ready = [...followed, ...seen(service("web", "ready"))]
    expect(after(underWay, {}, ...ready).effect).toEqual({ type: "prune" })
    expect(after(underWay, {}, ...ready, { type: "pruned", whole: true }).effect).toEqual({
      type: "finish",
      verdict: { state: "succeeded", reason: "Succeeded", message: "Deployment 7 succeeded." }
    })
  })

  it("leaves the rest to a newer deployment that arrived meanwhile", () => {
    const ready = [...followed, ...seen(service("web", "ready"))]
    expect(after(underWay, {}, ...ready, { type: "pruned", whole: false }).effect).toEqual(again(0))
    expect(
      after(
        underWay,
        {},
        ...followed,
        { type: "servicesSeen", services: [] },
        { type: "servicesRemoved", services: undefined }
      ).effect
    ).toEqual(again(0))
  })

  it("keeps requests from a failed service before it reports that the deployment failed", () => {
    const failed = [...followed, ...seen(service("web", "failed"), service("api", "ready"))]
    const { effect } = after(underWay, {}, ...failed)
    expect(effect).toMatchObject({ type: "abandon", verdict: { state: "failed", reason: "ServiceFailed" } })
    if (effect.type !== "abandon") return
    expect(after(underWay, {}, ...failed, { type: "abandoned", verdict: effect.verdict }).effect).toEqual({
      type: "finish",
      verdict: effect.verdict
    })
  })

  it("leaves an app as it was if something new in it is refused", () => {
    const refused: ReadonlyArray<PassEvent> = [read, { type: "applyRefused", error: refusedError }]
    expect(after(underWay, {}, ...refused).effect).toEqual({ type: "readServices" })
    const services = [service("web", "pending"), service("old", "pending", "delete")]
    expect(after(underWay, {}, ...refused, { type: "servicesSeen", services }).effect).toMatchObject({
      type: "finish",
      verdict: { state: "failed", reason: "Refused" }
    })
  })

  it("removes services although the rest is refused, if it only removes services", () => {
    const services = [service("web", "ready", "unchanged"), service("old", "pending", "delete")]
    const refused: ReadonlyArray<PassEvent> = [
      read,
      { type: "applyRefused", error: refusedError },
      { type: "servicesSeen", services }
    ]
    expect(after(underWay, {}, ...refused).effect).toEqual({ type: "removeServices", services })
    expect(after(underWay, {}, ...refused, { type: "servicesRemoved", services: undefined }).effect).toMatchObject({
      type: "finish",
      verdict: { state: "failed", reason: "Refused" }
    })
  })

  it("warns once about a temporary fault, and retries", () => {
    const first = after(underWay, {}, read, { type: "unavailable", error: awayError })
    expect(first.effect).toMatchObject({ type: "warn", reason: "RuntimeUnavailable", message: awayError.message })
    expect(first.state.memory.warned).toBe(awayError.message)
    expect(after(underWay, first.state.memory, read, { type: "unavailable", error: awayError }).effect).toEqual(
      again(0, true)
    )
  })

  it("polls an unreachable cluster at an even pace", () => {
    const memory = { warned: unreachable.message }
    expect(after(underWay, memory, read, { type: "unavailable", error: unreachable }).effect).toEqual(again(resyncMs))
  })

  it("delays the verdict at the deadline while applied objects could still go live", () => {
    const events: ReadonlyArray<PassEvent> = [read, { type: "unavailable", error: awayError }]
    const { effect } = after(overdue, { applied: context }, ...events)
    expect(effect).toMatchObject({ type: "ruleOut", verdict: { state: "failed" } })
    if (effect.type !== "ruleOut") return
    const { verdict } = effect
    const answer = (certain: boolean): PassEvent => ({ type: "ruledOut", verdict, certain })
    expect(after(overdue, { applied: context }, ...events, answer(false)).effect).toEqual(again(resyncMs))
    expect(after(overdue, { applied: context }, ...events, answer(true)).effect).toEqual({ type: "finish", verdict })
    expect(after(overdue, {}, ...events, answer(false)).effect).toEqual({ type: "finish", verdict })
  })

  it("never ends a deployment because of an unreachable cluster, at whatever time", () => {
    const away = new RuntimeError({ reason: "unavailable", message: "no answer", away: true })
    const { effect, state } = after(overdue, { applied: context }, read, { type: "unavailable", error: away })
    expect(effect).toMatchObject({ type: "warn", outcome: { _tag: "retry" } })
    const once = after(overdue, state.memory, read, { type: "unavailable", error: away })
    expect(once.effect).toEqual(again(resyncMs))
  })

  it("asks again soon for a service whose failure at the deadline isn't confirmed yet", () => {
    expect(after(overdue, {}, ...followed, ...seen(service("web", "pending"))).effect).toEqual(again(500))
  })

  it("returns at once for drift that occurred meanwhile, after it has ended the deployment", () => {
    const ended: ReadonlyArray<PassEvent> = [
      ...followed,
      ...seen(service("web", "ready")),
      { type: "pruned", whole: true },
      { type: "finished" }
    ]
    expect(after(underWay, {}, ...ended).effect).toEqual({ type: "readDrift" })
    expect(after(underWay, {}, ...ended, { type: "driftRead", found: true }).effect).toEqual(again(0))
    expect(after(underWay, {}, ...ended, { type: "driftRead", found: false }).effect).toEqual({
      type: "end",
      outcome: { _tag: "done" }
    })
    expect(after(underWay, { warned: "x" }, ...ended).state.memory).toEqual({})
  })

  it("only checks an app whose deployment has ended, and leaves a fault to the rollout", () => {
    expect(after(settled, {}).effect).toEqual({ type: "recheck" })
    expect(after(settled, {}, { type: "rechecked" }).effect).toEqual({ type: "end", outcome: { _tag: "done" } })
    expect(after(settled, {}, { type: "refused", error: refusedError }).effect).toMatchObject({
      type: "noteRollout",
      outcome: { _tag: "done" }
    })
    expect(after(settled, {}, { type: "unavailable", error: awayError }).effect).toMatchObject({
      type: "noteRollout",
      outcome: { _tag: "retry", afterMs: resyncMs, failed: true }
    })
    expect(after(settled, {}, { type: "broke" }).effect).toMatchObject({
      type: "noteRollout",
      outcome: { _tag: "done" }
    })
  })
})

const progress = fc.record({
  name: fc.constantFrom("api", "web", "old"),
  state: fc.constantFrom<Progress["state"]>("pending", "ready", "failed"),
  action: fc.constantFrom<Progress["action"]>("create", "update", "unchanged", "delete")
})
const services = fc
  .uniqueArray(progress, { selector: (each) => each.name })
  .map((all) => all.map(({ action, name, state }) => service(name, state, action)))

/** The possible answers to an effect, as `reconcile.ts` gives them. */
const answersTo = (effect: PassEffect): fc.Arbitrary<PassEvent> => {
  const whatever: ReadonlyArray<fc.Arbitrary<PassEvent>> = [
    fc.constant<PassEvent>({ type: "refused", error: refusedError }),
    fc.constantFrom<PassEvent>({ type: "unavailable", error: awayError }, { type: "unavailable", error: unreachable }),
    fc.constant<PassEvent>({ type: "broke" })
  ]
  const broke = whatever.slice(2)
  switch (effect.type) {
    case "recheck":
      return fc.oneof(fc.constant<PassEvent>({ type: "rechecked" }), ...whatever)
    case "readContext":
      return fc.oneof(fc.constant(read), ...broke)
    case "apply":
      return fc.oneof(fc.constantFrom(applied, { type: "applyRefused", error: refusedError } as const), ...whatever)
    case "tellApplied":
      return fc.oneof(fc.constant<PassEvent>({ type: "appliedTold" }), ...broke)
    case "follow":
    case "readServices":
      return fc.oneof(
        services.map((service): PassEvent => ({ type: "servicesSeen", services: service })),
        ...whatever
      )
    case "removeServices":
      return fc.oneof(
        fc.constantFrom<PassEvent>(
          { type: "servicesRemoved", services: effect.services },
          { type: "servicesRemoved", services: undefined }
        ),
        ...whatever
      )
    case "prune":
      return fc.oneof(
        fc.boolean().map((whole): PassEvent => ({ type: "pruned", whole })),
        ...whatever
      )
    case "abandon":
      return fc.oneof(fc.constant<PassEvent>({ type: "abandoned", verdict: effect.verdict }), ...whatever)
    case "ruleOut":
      return fc.oneof(
        fc.boolean().map((certain): PassEvent => ({ type: "ruledOut", verdict: effect.verdict, certain })),
        ...broke
      )
    case "warn":
    case "noteRollout":
      return fc.oneof(fc.constant<PassEvent>({ type: "told", outcome: effect.outcome }), ...broke)
    case "finish":
      return fc.oneof(fc.constant<PassEvent>({ type: "finished" }), ...broke)
    case "readDrift":
      return fc.oneof(
        fc.boolean().map((found): PassEvent => ({ type: "driftRead", found })),
        ...broke
      )
    case "end":
      throw new Error("nothing answers the end")
  }
}

/**
 * A whole pass with any answers, and with at most one internal error, because `reconcile.ts` doesn't recover from a second one.
 */
const passes = (begun: Begun, memory: PassMemory) =>
  fc.gen().map((draw) => {
    const steps: Array<PassStep> = [beginPass(begun, memory, resyncMs)]
    const events: Array<PassEvent> = []
    for (
      let step = steps[0];
      step !== undefined && step.effect.type !== "end" && steps.length < 50;
      step = steps.at(-1)
    ) {
      const event = draw(() => answersTo(step.effect))
      if (event.type === "broke" && step.state.broken) break
      events.push(event)
      steps.push(passStep(step.state, event))
    }
    return { steps, events }
  })

const begins = fc.constantFrom(underWay, overdue, settled)
const memories = fc.constantFrom<PassMemory>({}, { applied: context }, { applied: "another" }, { warned: "no answer" })

describe("a pass, for any answers", () => {
  const always = (holds: (pass: { steps: ReadonlyArray<PassStep>; events: ReadonlyArray<PassEvent> }) => void) =>
    fc.assert(
      fc.property(
        fc.tuple(begins, memories).chain(([begun, memory]) => passes(begun, memory)),
        (pass) => {
          holds(pass)
        }
      ),
      { numRuns: 1_000 }
    )
  const effects = ({ steps }: { steps: ReadonlyArray<PassStep> }) => steps.map((step) => step.effect.type)

  it("ends", () => always(({ steps }) => expect(steps.length).toBeLessThan(20)))

  it("ends a deployment at most once, and then reports nothing more about it", () =>
    always((pass) => {
      const ended = pass.events.findIndex((event) => event.type === "finished")
      if (ended === -1) return
      expect(
        effects(pass)
          .slice(ended + 1)
          .filter((effect) => effect !== "readDrift" && effect !== "end")
      ).toEqual([])
    }))

  it("never ends a deployment that has already ended", () =>
    always((pass) => {
      if (pass.steps[0]?.state.begun.finished === true) expect(effects(pass)).not.toContain("finish")
    }))

  it("reports a failed service only once no request can reach it any more", () =>
    always((pass) => {
      for (const [index, { effect }] of pass.steps.entries()) {
        if (effect.type !== "finish" || effect.verdict.reason !== "ServiceFailed") continue
        expect(pass.events[index - 1]?.type).toBe("abandoned")
      }
    }))

  it("succeeds only if everything was pruned", () =>
    always((pass) => {
      for (const [index, { effect }] of pass.steps.entries()) {
        if (effect.type !== "finish" || effect.verdict.state !== "succeeded") continue
        expect(pass.events[index - 1]).toEqual({ type: "pruned", whole: true })
      }
    }))

  it("records objects as applied only if the runtime accepted them", () =>
    always(({ events, steps }) => {
      for (const [index, { state }] of steps.entries()) {
        if (index === 0 || state.memory.applied === steps[index - 1]?.state.memory.applied) continue
        expect(["applied", "finished"]).toContain(events[index - 1]?.type)
      }
    }))
})
