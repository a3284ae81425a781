import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { defaultBackoff } from "./backoff.ts"
import {
  type EntryKey,
  initialRunner,
  inPhase,
  type RunnerEffect,
  type RunnerEvent,
  type RunnerState
} from "./runnerMachine.ts"
import { stepRunner } from "./runnerReducer.ts"

const crash = { reason: "CrashOnStart", message: "it crashed.", retryable: true } as const

const wordOf = (effect: RunnerEffect): string =>
  [effect.type, ...("key" in effect ? [effect.key] : []), ...("ms" in effect ? [effect.ms] : [])].join(" ")

interface Around {
  state: RunnerState
  nowMs: number
  effects: Array<RunnerEffect>
}

/** A runner without instances: the test decides what happens. */
const makeStage = () => {
  const around: Around = { state: initialRunner(defaultBackoff, 1_000, "quick"), nowMs: 1_000_000, effects: [] }
  const pool = new Set<EntryKey>()
  const inFlight = new Map<EntryKey, number>()
  const stopped = new Set<EntryKey>()
  const handle = (event: RunnerEvent) => {
    const world = { nowMs: around.nowMs, now: new Date(around.nowMs), ready: pool.size, inFlight }
    const { effects, state } = stepRunner(around.state, event, world)
    around.state = state
    around.effects.push(...effects)
    for (const effect of effects) {
      if (effect.type === "addToPool" || effect.type === "resumeInPool") pool.add(effect.key)
      if (effect.type === "removeFromPool" || effect.type === "drainInPool") pool.delete(effect.key)
      if (effect.type === "stopInstance" || effect.type === "callOff") stopped.add(effect.key)
    }
    return effects.filter((effect) => effect.type !== "tellChange").map(wordOf)
  }
  return { around, pool, inFlight, stopped, handle, state: () => around.state }
}
type Stage = ReturnType<typeof makeStage>

const become = (stage: Stage, key: EntryKey) => {
  stage.handle({ type: "launched", key })
  return stage.handle({ type: "becameReady", key, launchMs: 50 })
}
const die = (stage: Stage, key: EntryKey, why: typeof crash | undefined = crash) => [
  ...stage.handle({ type: "ended", key, why }),
  ...stage.handle({ type: "logClosed", key })
]
const running = (count: number): Stage => {
  const stage = makeStage()
  stage.handle({ type: "scaleTo", instances: count })
  for (let key = 1; key <= count; key++) become(stage, key)
  return stage
}

interface Case {
  readonly name: string
  readonly given: () => Stage
  readonly when: (stage: Stage) => ReadonlyArray<string>
  readonly gives: ReadonlyArray<string>
}

const after = (stage: Stage, ...events: ReadonlyArray<RunnerEvent>): Stage => {
  for (const event of events) stage.handle(event)
  return stage
}

const cases: ReadonlyArray<Case> = [
  {
    name: "starts as many as are wanted",
    given: makeStage,
    when: (each) => each.handle({ type: "scaleTo", instances: 2 }),
    gives: ["start 1", "start 2"]
  },
  {
    name: "sends requests to a ready instance",
    given: () => after(makeStage(), { type: "scaleTo", instances: 1 }),
    when: (value) => become(value, 1),
    gives: ["addToPool 1"]
  },
  {
    name: "drains the instance with the fewest requests if fewer are wanted",
    given: () => running(2),
    when: (each) => {
      each.inFlight.set(1, 2)
      return each.handle({ type: "scaleTo", instances: 1 })
    },
    gives: ["drainWithin 2 1000", "drainInPool 2"]
  },
  {
    name: "keeps a draining instance instead of starting another",
    given: () => after(running(1), { type: "scaleTo", instances: 0 }),
    when: (each) => each.handle({ type: "scaleTo", instances: 1 }),
    gives: ["endDrain 1", "resumeInPool 1"]
  },
  {
    name: "stops an instance that has answered its last request",
    given: () => after(running(1), { type: "scaleTo", instances: 0 }),
    when: (each) => each.handle({ type: "drained", key: 1 }),
    gives: ["endProof 1", "endDrain 1", "removeFromPool 1", "stopInstance 1"]
  },
  {
    name: "continues a build though nobody wants its instance for now",
    given: () => after(makeStage(), { type: "scaleTo", instances: 1 }),
    when: (each) => each.handle({ type: "scaleTo", instances: 0 }),
    gives: ["endRetry", "endProof 1", "endDrain 1", "removeFromPool 1"]
  },
  {
    name: "cancels a build when it is stopped",
    given: () => after(makeStage(), { type: "scaleTo", instances: 1 }),
    when: (each) => each.handle({ type: "stop", drainMs: 0 }),
    gives: ["endRetry", "endProof 1", "endDrain 1", "removeFromPool 1", "callOff 1"]
  },
  {
    name: "stops an instance that was launched when nobody wanted it any more",
    given: () => after(makeStage(), { type: "scaleTo", instances: 1 }, { type: "scaleTo", instances: 0 }),
    when: (each) => each.handle({ type: "launched", key: 1 }),
    gives: ["stopInstance 1"]
  },
  {
    name: "replaces a dead instance after a pause, and says so",
    given: () => running(1),
    when: (value) => die(value, 1),
    gives: ["endProof 1", "endDrain 1", "removeFromPool 1", "say 1", "forget 1", "retryIn 100", "tellFailure"]
  },
  {
    name: "retries a failure with one instance, not with all at once",
    given: () => {
      const stage = running(3)
      for (const key of [1, 2, 3]) die(stage, key)
      stage.around.nowMs += 60_000
      return stage
    },
    when: (each) => each.handle({ type: "retryDue" }),
    gives: ["start 4"]
  },
  {
    name: "forgets a failure once the next instance has outlived its first seconds",
    given: () => {
      const stage = running(1)
      die(stage, 1)
      stage.around.nowMs += 100
      return after(stage, { type: "retryDue" })
    },
    when: (value) => become(value, 2),
    gives: ["proveIn 2 5000", "addToPool 2"]
  },
  {
    name: "replaces an instance that no longer accepts connections",
    given: () => running(1),
    when: (each) => each.handle({ type: "deaf", key: 1 }),
    gives: ["endProof 1", "endDrain 1", "removeFromPool 1", "stopInstance 1", "retryIn 100", "tellFailure"]
  },
  {
    name: "counts the end of an instance once, though it was being checked",
    given: () => after(running(1), { type: "ended", key: 1, why: crash }),
    when: (each) => each.handle({ type: "deaf", key: 1 }),
    gives: []
  },
  {
    name: "is gone when the last instance is",
    given: () => after(running(1), { type: "stop", drainMs: 0 }),
    when: (value) => die(value, 1, undefined),
    gives: ["endProof 1", "endDrain 1", "removeFromPool 1", "forget 1", "tellGone"]
  }
]

describe("a runner", () => {
  for (const { given, gives, name, when } of cases)
    it(name, () => {
      expect(when(given())).toStrictEqual(gives)
    })

  it("checks the whole build after a first failure, and builds again on a retry", () => {
    const stage = running(1)
    die(stage, 1)
    expect(stage.state().care).toBe("whole")
    stage.handle({ type: "retry" })
    expect(stage.around.effects.findLast((effect) => effect.type === "start")).toMatchObject({ care: "fresh" })
  })
})

const chances: ReadonlyArray<(stage: Stage, pick: number) => RunnerEvent | undefined> = [
  (_, pick) => ({ type: "scaleTo", instances: pick % 5 }),
  (stage, pick) => {
    stage.around.nowMs += pick * 100
    return { type: "retryDue" }
  },
  ...(["launched", "drained", "drainExpired", "listens", "deaf"] as const).map(
    (type) =>
      ({ state }: Stage, pick: number): RunnerEvent | undefined => {
        const entries = [...state().entries.values()].filter((entry) =>
          type === "launched" ? !entry.isLaunched && entry.phase !== "over" : entry.isLaunched
        )
        const entry = entries[pick % Math.max(1, entries.length)]
        return entry && { type, key: entry.key }
      }
  ),
  ({ state }, pick) => {
    const entry = [...state().entries.values()].filter((entry) => entry.isLaunched)[pick % 4]
    return entry && { type: "becameReady", key: entry.key, launchMs: pick }
  },
  ({ state }, pick) => {
    const entry = [...state().entries.values()].filter((entry) => entry.phase !== "over")[pick % 4]
    return entry && { type: "ended", key: entry.key, why: pick % 3 === 0 ? undefined : crash }
  },
  ({ state }, pick) => {
    const entry = inPhase(state(), "over")[pick % 4]
    return entry && { type: "logClosed", key: entry.key }
  },
  () => ({ type: "retry" }),
  () => ({ type: "forgive" }),
  (_, pick) => (pick % 8 === 0 ? { type: "stop", drainMs: pick } : undefined)
]

const check = ({ around, pool, state, stopped }: Stage, wasClosed: boolean) => {
  const { closed, entries, target } = state()
  expect(inPhase(state(), "starting", "ready").length, "more instances than are wanted").toBeLessThanOrEqual(target)
  for (const key of pool) expect(entries.get(key)?.phase, `requests go to ${key}`).toBe("ready")
  for (const entry of inPhase(state(), "ending")) {
    if (entry.isLaunched || closed) expect(stopped.has(entry.key), `instance ${entry.key} has leaked`).toBe(true)
  }
  if (wasClosed) expect(around.effects.map((effect) => effect.type)).not.toContain("start")
}

describe("a runner, for any order of events", () => {
  it("never has more instances than wanted, sends requests only to ready ones, and leaks none", () => {
    const steps = fc.array(fc.tuple(fc.nat(chances.length - 1), fc.nat(40)), { minLength: 1, maxLength: 80 })
    fc.assert(
      fc.property(steps, (chosen) => {
        const stage = makeStage()
        for (const [which, pick] of chosen) {
          const wasClosed = stage.state().closed
          stage.around.effects = []
          const event = chances[which]?.(stage, pick)
          if (event !== undefined) stage.handle(event)
          check(stage, wasClosed)
        }
        // Whatever has happened, a stopped runner ends.
        stage.handle({ type: "stop", drainMs: 0 })
        stage.around.effects = []
        for (const key of [...stage.state().entries.keys()]) {
          expect(stage.stopped.has(key) || stage.state().entries.get(key)?.phase === "over").toBe(true)
          die(stage, key, undefined)
        }
        expect(stage.state().entries.size).toBe(0)
      }),
      { numRuns: 300 }
    )
  })
})
