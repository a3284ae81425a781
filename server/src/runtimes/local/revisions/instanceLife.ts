import { randomBytes } from "node:crypto"
import { Deferred, Effect, Either, type Fiber } from "effect"
import type { Care } from "../../../stores/sources/SourceStore.ts"
import type { Pool } from "../activator/Pool.ts"
import type { Instance, InstanceFailed } from "../instances/Instance.ts"
import type { LogWriter } from "../logs/LogStore.ts"
import type { Machine } from "../machine.ts"
import { type FailureReason, failureOf, failureOfExit } from "./failures.ts"
import type { RunnerInput } from "./RevisionRunner.ts"
import type { EntryKey, RunnerEvent, RunnerState } from "./runnerMachine.ts"

/** One wait at a time. */
export interface Timer {
  readonly start: (ms: number) => void
  readonly end: () => void
}

export const makeTimer = (run: () => void): Timer => {
  let timer: NodeJS.Timeout | undefined
  const end = () => clearTimeout(timer)
  const start = (ms: number) => {
    end()
    timer = setTimeout(run, ms)
  }
  return { start, end }
}

/** The parts of a live instance. */
export interface Live {
  readonly key: EntryKey
  readonly id: string
  readonly writer: LogWriter
  readonly proof: Timer
  readonly drain: Timer
  instance: Instance | undefined
  fiber: Fiber.RuntimeFiber<void> | undefined
}

export const makeLive = (input: RunnerInput, key: EntryKey, dispatch: (event: RunnerEvent) => void): Live => {
  // Revisions of several organizations may share a name: only the random part distinguishes their containers and records.
  const id = `${input.revision}-${randomBytes(8).toString("hex")}`
  return {
    key,
    id,
    writer: input.writer(id),
    proof: makeTimer(() => dispatch({ type: "forgive" })),
    drain: makeTimer(() => dispatch({ type: "drainExpired", key })),
    instance: undefined,
    fiber: undefined
  }
}

type RunnerMachine = Machine<RunnerState, RunnerEvent>

/** One instance from start to end. Its log is closed last. */
export const liveOn = (
  input: RunnerInput,
  pool: Pool,
  live: Live,
  care: Care,
  machine: RunnerMachine
): Effect.Effect<void> => {
  const { dispatch } = machine
  const over = (why: FailureReason | undefined) =>
    Effect.gen(function* () {
      dispatch({ type: "ended", key: live.key, why })
      yield* Effect.ignore(Effect.promise(() => live.writer.close()))
      dispatch({ type: "logClosed", key: live.key })
    })
  return Effect.matchCauseEffect(life(input, pool, live, care, machine), {
    onFailure: (cause) => over(failureOf(cause)),
    onSuccess: over
  }).pipe(Effect.uninterruptible)
}

/**
 * Runs until it has ended, on its own or not. Only steps before its launch can be interrupted, such as its build: a running
 * instance must reach us, because only we stop it.
 */
const life = (
  input: RunnerInput,
  pool: Pool,
  live: Live,
  care: Care,
  machine: RunnerMachine
): Effect.Effect<FailureReason | undefined, InstanceFailed> =>
  Effect.gen(function* () {
    const { dispatch, state } = machine
    const { id, key, writer } = live
    const spec = yield* Effect.interruptible(input.spec)
    const instance = yield* input.instances.start({
      ...spec,
      care,
      traffic: {
        answered: () => pool.answered(id),
        isFull: (since) => pool.isFull(id, since),
        answeredProbe: (since) => pool.answeredProbe(id, since)
      },
      id,
      onOutput: writer.write,
      onSystem: writer.system,
      onFinding: (finding) => dispatch({ type: "found", key, finding }),
      onBuild: (line) => {
        writer.system(line)
        input.onBuild(line)
      },
      onPull: input.onPull,
      apart: input.apart
    })
    live.instance = instance
    input.onLaunched(instance)
    dispatch({ type: "launched", key })
    if (state().entries.get(key)?.phase === "ending")
      return failureOfExit(yield* Deferred.await(instance.exited), 0, spec, instance.of)
    const launchedAtMs = performance.now()
    const ready = yield* Effect.either(Deferred.await(instance.ready))
    if (Either.isLeft(ready)) {
      yield* instance.stop
      return yield* ready.left
    }
    const readyAtMs = performance.now()
    dispatch({ type: "becameReady", key, launchMs: readyAtMs - launchedAtMs })
    const exit = yield* Deferred.await(instance.exited)
    return failureOfExit(exit, performance.now() - readyAtMs, spec, instance.of)
  })
