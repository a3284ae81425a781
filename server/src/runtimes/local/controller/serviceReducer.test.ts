import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { Either } from "effect"
import fc from "fast-check"
import { manifestsOf, testKey } from "../../../../test/local/testRuntime.ts"
import type { RunnableRevision } from "../objects/ServiceObject.ts"
import { latestCreated } from "../objects/ServiceRecord.ts"
import type { RunnerFailure } from "../revisions/runnerMachine.ts"
import { planService } from "./applyPlan.ts"
import {
  initialState,
  type Seen,
  type ServiceEffect,
  type ServiceEvent,
  type ServiceState,
  type UnitId,
  unitsOf
} from "./serviceMachine.ts"
import { stepService } from "./serviceReducer.ts"
import { defaultSettle } from "./settling.ts"

const key = { ...testKey(), service: ServiceName.make("web") }

const planned = (state: ServiceState | undefined, image: string, paused: boolean) => {
  const manifest = manifestsOf([{ name: "web", image }], testKey(), paused ? ["web"] : []).find(
    (object) => object.kind === "Service"
  )
  if (manifest === undefined) throw new Error("no service")
  const existing = state?.object
  const now = new Date(0).toISOString()
  return Either.getOrThrow(planService({ key, manifest, existing, secretManifest: () => undefined, now }))
}

const asleep: Seen = {
  target: 0,
  running: 0,
  ready: 0,
  proved: 0,
  all: 0,
  launchMs: 0,
  inFlight: 0,
  failure: undefined,
  diagnosis: undefined
}

const failureOf = (retryable: boolean, count: number, nowMs: number): RunnerFailure => ({
  reason: "CrashOnStart",
  message: "it crashed",
  retryable,
  count,
  retryAtMs: nowMs + 100,
  retryAt: new Date(0)
})

const wordOf = (effect: ServiceEffect): string => {
  if (effect.type === "makeRunner") return `make ${effect.unit.id}`
  if (effect.type === "route") return `route to ${effect.to?.id ?? "nobody"}`
  if (effect.type === "scaleTo") return `scale ${effect.unit} to ${effect.instances}`
  if (effect.type === "leave") return `leave ${effect.unit}`
  if (effect.type === "beginScaling") return `scaling ${effect.unit.id}`
  return "unit" in effect ? `${effect.type} ${effect.unit}` : effect.type
}

interface Around {
  state: ServiceState | undefined
  nowMs: number
  waiting: number
  routed: UnitId | undefined
  effects: Array<ServiceEffect>
  readonly created: RunnableRevision | undefined
}

/** A service with nothing to run: runners are rows of a table, and the test decides what happens. */
const makeStage = () => {
  const units = new Map<UnitId, Seen>()
  const made = new Set<UnitId>()
  const given = new Set<UnitId>()
  const entered = new Set<UnitId>()
  const left = new Set<UnitId>()
  const settling = new Set<UnitId>()
  const first = planned(undefined, "a:0", false)
  const stage: Around = {
    state: first === undefined ? undefined : initialState({ ...first.object }, defaultSettle),
    nowMs: 1_000,
    waiting: 0,
    routed: undefined,
    effects: [],
    created: first?.created
  }
  const see = (id: UnitId, seen: Partial<Seen>) => units.set(id, { ...(units.get(id) ?? asleep), ...seen })
  const done = (id: UnitId) => {
    entered.delete(id)
    settling.delete(id)
  }
  const carryOut = (effect: ServiceEffect) => {
    stage.effects.push(effect)
    if (effect.type === "makeRunner") made.add(effect.unit.id)
    if (effect.type === "route") stage.routed = effect.to?.id
    if (effect.type === "scaleTo") see(effect.unit, { target: effect.instances })
    if (effect.type === "scaleTo" && effect.instances === 0) see(effect.unit, { ready: 0, running: 0, all: 0 })
    if (effect.type === "enter") entered.add(effect.unit)
    if (effect.type === "settle") settling.add(effect.unit)
    if (effect.type === "giveTurn") entered.delete(effect.unit)
    if (effect.type === "unsettle") settling.delete(effect.unit)
    if (effect.type === "leave") given.add(effect.unit)
    if (effect.type === "leave") done(effect.unit)
    if (effect.type === "leave") see(effect.unit, { target: 0, ready: 0, running: 0 })
  }
  const state = () => {
    if (stage.state === undefined) throw new Error("no state")
    return stage.state
  }
  const handle = (...events: ReadonlyArray<ServiceEvent>) => {
    stage.effects = []
    for (const event of [...events, { type: "looked", at: new Date(stage.nowMs) } as const]) {
      const world = { nowMs: stage.nowMs, waiting: stage.waiting, queued: 0, units }
      const next = stepService(state(), event, world)
      stage.state = next.state
      for (const effect of next.effects) carryOut(effect)
    }
    return stage.effects.filter((effect) => effect.type !== "tell").map(wordOf)
  }
  const apply = (image: string, paused = false) => {
    const change = planned(state(), image, paused)
    return change === undefined ? [] : handle({ type: "updated", object: change.object, created: change.created })
  }
  return {
    stage,
    units,
    made,
    given,
    entered,
    left,
    settling,
    see,
    state,
    handle,
    apply,
    begin: () => handle({ type: "updated", object: state().object, created: stage.created }),
    ready: (unit: UnitId) => {
      see(unit, { target: 1, running: 1, ready: 1, all: 1 })
      return handle({ type: "runnerChanged", unit })
    },
    settle: (unit: UnitId) => {
      settling.delete(unit)
      return handle({ type: "settled", unit })
    },
    fail: (unit: UnitId, retryable: boolean, count: number) => {
      see(unit, { running: 0, ready: 0, failure: failureOf(retryable, count, stage.nowMs) })
      return handle({ type: "runnerFailed", unit })
    },
    leave: (unit: UnitId) => {
      left.add(unit)
      see(unit, { all: 0 })
      return handle({ type: "left", unit })
    },
    newest: () => latestCreated(state().object.record)
  }
}

type Stage = ReturnType<typeof makeStage>

/** One serving revision. */
const serving = (): Stage => {
  const stage = makeStage()
  stage.begin()
  stage.handle({ type: "turnCame", unit: 1 })
  stage.ready(1)
  stage.settle(1)
  return stage
}

/** Beside it, a newer one that has started. */
const rollingOut = (): Stage => {
  const stage = serving()
  stage.apply("a:1")
  stage.handle({ type: "turnCame", unit: 2 })
  return stage
}

const cases: ReadonlyArray<readonly [string, () => Stage, (stage: Stage) => ReadonlyArray<string>, ...Array<string>]> =
  [
    ["creates a first revision, and queues it for its start", makeStage, (each) => each.begin(), "make 1", "enter 1"],
    [
      "starts a first revision at once if requests wait for it",
      () => {
        const stage = makeStage()
        stage.stage.waiting = 1
        return stage
      },
      (each) => each.begin(),
      "make 1",
      "enter 1",
      "hurry 1"
    ],
    [
      "leaves requests where they are when a new revision is created",
      serving,
      (each) => each.apply("a:1"),
      "make 2",
      "enter 2"
    ],
    [
      "lets a ready new revision settle before it receives requests",
      rollingOut,
      (each) => each.ready(2),
      "giveTurn 2",
      "settle 2"
    ],
    [
      "moves the requests to a settled new revision, and then the previous one leaves",
      () => {
        const stage = rollingOut()
        stage.ready(2)
        return stage
      },
      (each) => each.settle(2),
      "forgive 2",
      "endScaling",
      "route to 2",
      "scaling 2",
      "leave 1",
      "giveTurn 2"
    ],
    [
      "lets a new revision that exited while it settled settle again",
      () => {
        const stage = rollingOut()
        stage.ready(2)
        stage.see(2, { ready: 0 })
        return stage
      },
      (each) => each.settle(2),
      "unsettle 2"
    ],
    [
      "gives up a new revision that can't work, and keeps the requests",
      rollingOut,
      (each) => each.fail(2, false, 2),
      "unsettle 2",
      "leave 2"
    ],
    [
      "gives up a first revision that can't work, and refuses requests",
      () => {
        const stage = makeStage()
        stage.begin()
        return stage
      },
      (each) => each.fail(1, false, 2),
      "unsettle 1",
      "route to nobody",
      "leave 1",
      "refuse"
    ],
    ["tries a new revision again if it may yet work", rollingOut, (each) => each.fail(2, true, 1), "unsettle 2"],
    [
      "stops a replaced revision before it creates the newer one",
      rollingOut,
      (each) => each.apply("a:2"),
      "leave 2",
      "make 3",
      "enter 3"
    ],
    [
      "removes requests and instances for a pause, and gives up the new revision",
      rollingOut,
      (each) => each.apply("a:1", true),
      "endScaling",
      "route to nobody",
      "refuse",
      "scale 1 to 0",
      "leave 2"
    ],
    [
      "serves again when resumed, and starts the revision that the pause had held",
      () => {
        const stage = rollingOut()
        stage.apply("a:1", true)
        return stage
      },
      (each) => each.apply("a:1"),
      "route to 1",
      "make 3",
      "enter 3"
    ],
    [
      "wakes for a request at zero",
      () => {
        const stage = serving()
        stage.see(1, { target: 0, running: 0, ready: 0, all: 0 })
        return stage
      },
      (each) => each.handle({ type: "requestHeld" }),
      "scale 1 to 1",
      "scaling 1"
    ],
    [
      "restores an instance after a restart if there was one, in its turn",
      () => {
        const before = serving().state()
        const stage = makeStage()
        stage.stage.state = initialState(before.object, defaultSettle)
        return stage
      },
      (each) => each.handle({ type: "restored", serving: each.stage.created, newest: each.stage.created }),
      "make 1",
      "route to 1",
      "enter 1"
    ],
    [
      "gives up its place when stopped, refuses requests, and starts nothing",
      rollingOut,
      (each) => [...each.handle({ type: "stopped", reason: "removed" }), ...each.handle({ type: "turnCame", unit: 2 })],
      "giveTurn 2",
      "unsettle 2",
      "endScaling",
      "refuse"
    ]
  ]

describe("a service", () => {
  for (const [name, given, when, ...effects] of cases)
    it(name, () => {
      expect(when(given())).toStrictEqual(effects)
    })

  it("tries a failed revision again after a deployment, with a new build", () => {
    const stage = rollingOut()
    stage.fail(2, false, 2)
    expect(stage.newest()?.ready).toBe("False")
    expect(stage.handle({ type: "retried" })).toStrictEqual(["leave 2", "make 3", "enter 3"])
    expect(stage.stage.effects.find((effect) => effect.type === "makeRunner")).toMatchObject({ care: "fresh" })
    expect(stage.newest()?.ready).toBe("Unknown")
  })
})

type Chance = (stage: Stage, pick: number) => void

/** Picks one of the existing ones by a number. */
const of = (ids: Iterable<UnitId>, pick: number, then: (id: UnitId) => void) => {
  const all = [...ids]
  const id = all[pick % Math.max(1, all.length)]
  if (id !== undefined) then(id)
}
/** Only a runner that was told to run, and not to stop since, has instances. */
const running = ({ given, units }: Stage) => [...units].flatMap(([id, _]) => (_.target > 0 && !given.has(id) ? id : []))

const chances: ReadonlyArray<Chance> = [
  (stage, pick) => void stage.apply(`a:${pick}`),
  (stage, pick) => void stage.apply(stage.newest()?.image ?? "", pick % 2 === 0),
  (stage, pick) => of(stage.entered, pick, (unit) => void stage.handle({ type: "turnCame", unit })),
  (stage, pick) => of(running(stage), pick, (unit) => void stage.ready(unit)),
  (stage, pick) => of(running(stage), pick, (unit) => void stage.fail(unit, pick % 3 !== 0, 1 + (pick % 4))),
  (stage, pick) => of(stage.settling, pick, (unit) => void stage.settle(unit)),
  (stage, pick) =>
    of(
      [...stage.given].filter((value) => !stage.left.has(value)),
      pick,
      (unit) => void stage.leave(unit)
    ),
  (stage, pick) => {
    stage.stage.nowMs += pick * 100
  },
  (stage, pick) => {
    stage.stage.waiting = pick % 3
    if (stage.stage.waiting > 0) stage.handle({ type: "requestHeld" })
  },
  (stage) => void stage.handle({ type: "retried" }),
  (stage) => void stage.handle({ type: "abandoned" }),
  (stage) => {
    const revision: RunnableRevision | undefined = stage.state().serving?.revision
    if (revision !== undefined) stage.handle({ type: "damaged", revision })
  },
  (stage, pick) => {
    if (pick % 10 === 0) stage.handle({ type: "stopped", reason: "removed" })
  }
]

const starts = new Set<ServiceEffect["type"]>(["makeRunner", "enter", "hurry", "retry", "beginScaling"])

const check = (stage: Stage, wasDeleting: boolean) => {
  const state = stage.state()
  const { candidate, serving: unit } = state
  const { routed } = stage.stage
  const isOn = !state.object.paused && !state.deleting
  // Requests go to the ready revision. Without one they may go to the newest, and never to a removed one.
  if (isOn && unit !== undefined) expect(routed).toBe(unit.id)
  if (routed !== undefined) expect([unit?.id, candidate?.id]).toContain(routed)
  if (unit !== undefined) expect(state.object.record.latestReady).toBe(unit.revision.name)
  if (state.object.paused) expect(state.deleting ? undefined : routed).toBeUndefined()
  // No instance leaks: a runner belongs to the service, or was told to stop. No finished start keeps a place in the queue.
  for (const id of stage.made) {
    const isKept = id === unit?.id || (id === candidate?.id && !candidate.over)
    expect(isKept || stage.given.has(id), `unit ${id} has leaked`).toBe(true)
    if (!stage.left.has(id)) expect(unitsOf(state).has(id)).toBe(true)
  }
  for (const id of stage.entered) expect(id === candidate?.id || (id === unit?.id && state.restoring)).toBe(true)
  // A stopped service starts nothing.
  if (!wasDeleting) return
  for (const effect of stage.stage.effects) {
    expect(starts.has(effect.type), wordOf(effect)).toBe(false)
    if (effect.type === "scaleTo") expect(effect.instances).toBe(0)
  }
}

describe("a service, for any order of events", () => {
  it("routes to ready revisions, leaks nothing, and starts nothing once it is stopped", () => {
    const steps = fc.array(fc.tuple(fc.nat(chances.length - 1), fc.nat(40)), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(steps, (chosen) => {
        const stage = makeStage()
        stage.begin()
        for (const [which, pick] of chosen) {
          const wasDeleting = stage.state().deleting
          stage.stage.effects = []
          chances[which]?.(stage, pick)
          check(stage, wasDeleting)
        }
      }),
      { numRuns: 300 }
    )
  })
})
