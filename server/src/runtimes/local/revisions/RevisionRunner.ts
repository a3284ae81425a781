import type { Diagnosis } from "@maxcloud/sdk/api"
import type { Effect, Fiber } from "effect"
import type { Care } from "../../../stores/sources/SourceStore.ts"
import { makePool, type Pool } from "../activator/Pool.ts"
import type { Instance, InstanceFailed, InstanceSpec, Instances } from "../instances/Instance.ts"
import type { LogWriter } from "../logs/LogStore.ts"
import { runMachine } from "../machine.ts"
import type { BackoffConfig } from "./backoff.ts"
import { diagnosisOfFailure, firstSecondsMs } from "./failures.ts"
import { type Live, liveOn, makeLive, makeTimer } from "./instanceLife.ts"
import { listens } from "./listens.ts"
import {
  type Entry,
  type EntryKey,
  type InstanceEffect,
  initialRunner,
  inPhase,
  type RunnerEffect,
  type RunnerEvent,
  type RunnerFailure,
  type RunnerState,
  type RunnerWorld
} from "./runnerMachine.ts"
import { stepRunner } from "./runnerReducer.ts"

export interface RunnerInput {
  readonly revision: string
  readonly maxConcurrency: number
  /** Maximum time for requests in progress on a leaving instance. */
  readonly drainMs: number
  /** The same, if its service is removed. */
  readonly removalDrainMs: number
  /** Milliseconds between SIGTERM and SIGKILL of an instance. */
  readonly graceMs: number
  readonly backoff: BackoffConfig
  readonly instances: typeof Instances.Service
  /** How thoroughly to check the build before the first start. @default "quick" */
  readonly care?: Care
  /** Created for each instance, with the current secrets and links. */
  readonly spec: Effect.Effect<Omit<InstanceSpec, "id" | "onOutput" | "onSystem">, InstanceFailed>
  readonly writer: (instance: string) => LogWriter
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  readonly onRoom: () => void
  /** Another one was launched. */
  readonly onLaunched: (instance: Instance) => void
  /** Something about its instances has changed. */
  readonly onChange: () => void
  /** A start failed, or an instance ended on its own. */
  readonly onFailure: () => void
  /** Its source is being built: a line about the progress, not for every moment. */
  readonly onBuild: (line: string) => void
  /** The progress of its image's pull; undefined: finished. */
  readonly onPull: (line: string | undefined) => void
  /** How instances wait for their image. */
  readonly apart: NonNullable<InstanceSpec["apart"]>
}

/** Keeps as many instances of one revision as are wanted. */
export interface RevisionRunner {
  readonly revision: string
  readonly removalDrainMs: number
  readonly graceMs: number
  readonly pool: Pool
  readonly target: () => number
  readonly scaleTo: (instances: number) => void
  /** Starting or serving instances; not draining ones. */
  readonly running: () => number
  readonly ready: () => number
  /** Instances that have outlived their first seconds: `firstSecondsMs` after they became ready. */
  readonly proved: () => number
  /** Milliseconds from launch to readiness for the instance that became ready last. */
  readonly launchMs: () => number
  /** All instances, including draining and stopping ones. */
  readonly all: () => number
  readonly failure: () => RunnerFailure | undefined
  /** The last failure, or else the finding about a running instance. */
  readonly diagnosis: () => Diagnosis | undefined
  readonly instance: (id: string) => Instance | undefined
  /** Forgets failures and tries at once, with a new build. */
  readonly retry: () => void
  /** It became ready despite earlier failures: stops reporting them. */
  readonly forgive: () => void
  /** For good: no more starts; resolves when all have ended. */
  readonly stop: (drainMs: number) => Promise<void>
}

const suspectRetryMs = 100
const suspectTries = 50

/** Carries out the decisions of `stepRunner`: it has the instances, their requests and the timers. */
export const makeRevisionRunner = (input: RunnerInput): RevisionRunner => {
  const lives = new Map<EntryKey, Live>()
  const gone: Array<() => void> = []

  const world = (): RunnerWorld => ({
    nowMs: performance.now(),
    now: new Date(),
    ready: pool.ready(),
    inFlight: new Map([...lives].map(([key, { id }]) => [key, pool.inFlight(id)]))
  })

  const machine = runMachine(
    initialRunner(input.backoff, input.drainMs, input.care ?? "quick"),
    (before, event: RunnerEvent) => stepRunner(before, event, world()),
    (effect) => carryOut(effect)
  )
  const { dispatch, state } = machine

  const byId = (id: string) => [...lives.values()].find((live) => live.id === id)
  const pool = makePool(input.maxConcurrency, {
    onRoom: input.onRoom,
    onDrained: (id) => {
      const live = byId(id)
      if (live !== undefined) dispatch({ type: "drained", key: live.key })
    },
    onSuspect: (id) => {
      const live = byId(id)
      if (live !== undefined) void examine(live, () => state().entries.get(live.key)?.phase === "ready", dispatch)
    }
  })
  const retryTimer = makeTimer(() => dispatch({ type: "retryDue" }))

  const start = (key: EntryKey, care: Care) => {
    const live = makeLive(input, key, dispatch)
    lives.set(key, live)
    live.fiber = input.fork(liveOn(input, pool, live, care, machine))
  }

  const carryOut = (effect: RunnerEffect): void => {
    const live = "key" in effect ? lives.get(effect.key) : undefined
    if (effect.type === "start") start(effect.key, effect.care)
    else if (effect.type === "retryIn") retryTimer.start(effect.ms)
    else if (effect.type === "endRetry") retryTimer.end()
    else if (effect.type === "tellChange") input.onChange()
    else if (effect.type === "tellFailure") input.onFailure()
    else if (effect.type === "tellGone") for (const resolve of gone.splice(0)) resolve()
    else if (effect.type === "forget") lives.delete(effect.key)
    else if (live !== undefined) carryOutOn(live, pool, input.fork, effect)
  }

  const count = (...phases: ReadonlyArray<Entry["phase"]>) => inPhase(state(), ...phases).length

  return {
    revision: input.revision,
    removalDrainMs: input.removalDrainMs,
    graceMs: input.graceMs,
    pool,
    target: () => state().target,
    scaleTo: (instances) => dispatch({ type: "scaleTo", instances }),
    running: () => count("starting", "ready"),
    ready: () => pool.ready(),
    proved: () => provedOf(state(), performance.now()),
    launchMs: () => state().launchMs,
    all: () => state().entries.size,
    failure: () => state().failure,
    diagnosis: () => diagnosisOfRunner(state()),
    instance: (id) => byId(id)?.instance,
    forgive: () => dispatch({ type: "forgive" }),
    retry: () => dispatch({ type: "retry" }),
    stop: (drainMs) => {
      const left = new Promise<void>((resolve) => gone.push(resolve))
      dispatch({ type: "stop", drainMs })
      return left
    }
  }
}

const carryOutOn = (live: Live, pool: Pool, fork: RunnerInput["fork"], effect: InstanceEffect): void => {
  const { drain, fiber, id, instance, proof, writer } = live
  if (effect.type === "stopInstance" && instance !== undefined) fork(instance.stop)
  else if (effect.type === "callOff") fiber?.unsafeInterruptAsFork(fiber.id())
  else if (effect.type === "addToPool" && instance !== undefined) pool.add(instance)
  else if (effect.type === "drainInPool") pool.drain(id)
  else if (effect.type === "resumeInPool") pool.resume(id)
  else if (effect.type === "removeFromPool") pool.remove(id)
  else if (effect.type === "proveIn") proof.start(effect.ms)
  else if (effect.type === "endProof") proof.end()
  else if (effect.type === "drainWithin") drain.start(effect.ms)
  else if (effect.type === "endDrain") drain.end()
  else if (effect.type === "say") writer.system(effect.line)
}

/** Accepts an instance that dropped a request again as soon as it accepts connections, and replaces it if it never does. */
const examine = async ({ instance, key }: Live, isReady: () => boolean, dispatch: (event: RunnerEvent) => void) => {
  for (let i = 0; i < suspectTries && isReady() && instance !== undefined; i++) {
    if (await listens(instance.host, instance.port)) return dispatch({ type: "listens", key })
    await new Promise((resolve) => setTimeout(resolve, suspectRetryMs))
  }
  dispatch({ type: "deaf", key })
}

const provedOf = (state: RunnerState, nowMs: number): number =>
  inPhase(state, "ready").filter((each) => each.readyAtMs !== undefined && nowMs - each.readyAtMs >= firstSecondsMs)
    .length

const diagnosisOfRunner = (state: RunnerState): Diagnosis | undefined =>
  state.failure === undefined
    ? inPhase(state, "starting", "ready").find((each) => each.finding !== undefined)?.finding
    : diagnosisOfFailure(state.failure)
