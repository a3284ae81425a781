import { randomBytes } from "node:crypto"
import type { Diagnosis } from "@maxcloud/sdk/api"
import { Deferred, Effect, Either, type Fiber } from "effect"
import type { Care } from "../../../stores/sources/SourceStore.ts"
import { makePool, type Pool } from "../activator/Pool.ts"
import type { Instance, InstanceFailed, InstanceSpec, Instances } from "../instances/Instance.ts"
import type { LogWriter } from "../logs/LogStore.ts"
import { type BackoffConfig, restartBackoffMs } from "./backoff.ts"
import { diagnosisOfFailure, type FailureReason, failureOf, failureOfExit, firstSecondsMs } from "./failures.ts"
import { listens } from "./listens.ts"

export interface RunnerInput {
  readonly revision: string
  readonly maxConcurrency: number
  /** Longest time that requests in flight keep an instance which is to go. */
  readonly drainMs: number
  readonly backoff: BackoffConfig
  readonly instances: typeof Instances.Service
  /** How closely what is built is looked at before the first start. @default "quick" */
  readonly care?: Care
  /** Made anew for each instance: secrets and links are looked up then. */
  readonly spec: Effect.Effect<Omit<InstanceSpec, "id" | "onOutput" | "onSystem">, InstanceFailed>
  readonly writer: (instance: string) => LogWriter
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  readonly onRoom: () => void
  /** One more was launched. */
  readonly onLaunched: (instance: Instance) => void
  /** Something about its instances has changed. */
  readonly onChange: () => void
  /** A start failed, or an instance ended by itself. */
  readonly onFailure: () => void
  /** Its source is being built: a line of what happens, not of every moment. */
  readonly onBuild: (line: string) => void
  /** Its image is being pulled: how far it is; undefined: no more. */
  readonly onPull: (line: string | undefined) => void
  /** Instances wait for their image in this way. */
  readonly apart: NonNullable<InstanceSpec["apart"]>
}

/** Why the last start failed, or the last instance ended; gone once another has outlived its first seconds. */
export interface RunnerFailure extends FailureReason {
  /** Failures in a row. */
  readonly count: number
  /** Monotonic milliseconds of the next try (`performance.now()`). */
  readonly retryAtMs: number
  /** The same to be told, by the wall clock. */
  readonly retryAt: Date
}

/** Keeps as many instances of one revision as are wanted. */
export interface RevisionRunner {
  readonly revision: string
  readonly pool: Pool
  readonly target: () => number
  readonly scaleTo: (instances: number) => void
  /** Those that start or serve; not those that drain. */
  readonly running: () => number
  readonly ready: () => number
  /** Those that have outlived their first seconds: `firstSecondsMs` after they became ready. */
  readonly proved: () => number
  /** Milliseconds from the launch of the instance that became ready last until then. */
  readonly launchMs: () => number
  /** All, those that drain or end too. */
  readonly all: () => number
  readonly failure: () => RunnerFailure | undefined
  /** The last failure, or else what is seen of an instance that runs. */
  readonly diagnosis: () => Diagnosis | undefined
  readonly instance: (id: string) => Instance | undefined
  /** Forgets failures and tries at once, with a build of its own. */
  readonly retry: () => void
  /** It has come up all the same: what failed before is no longer told. */
  readonly forgive: () => void
  /** For good: no more starts; resolves when all have ended. */
  readonly stop: (drainMs: number) => Promise<void>
}

interface Entry {
  readonly id: string
  readonly writer: LogWriter
  readonly care: Care
  /** `over`: the instance is gone, and its end was recorded. */
  phase: "starting" | "ready" | "draining" | "ending" | "over"
  instance: Instance | undefined
  fiber: Fiber.RuntimeFiber<void> | undefined
  finding: Diagnosis | undefined
  readyAtMs: number | undefined
  provedTimer: NodeJS.Timeout | undefined
  drainTimer: NodeJS.Timeout | undefined
}

const suspectRetryMs = 100
const suspectTries = 50

export const makeRevisionRunner = (input: RunnerInput): RevisionRunner => {
  const entries = new Map<string, Entry>()
  const ended: Array<() => void> = []
  let target = 0
  let closed = false
  let failure: RunnerFailure | undefined
  let failures = 0
  let retryAtMs = 0
  let retryTimer: NodeJS.Timeout | undefined
  let launchMs = 0
  /** Of the next start. */
  let care = input.care ?? "quick"

  const inPhase = (...phases: ReadonlyArray<Entry["phase"]>) =>
    [...entries.values()].filter((_) => phases.includes(_.phase))

  const pool = makePool(input.maxConcurrency, {
    onRoom: input.onRoom,
    onDrained: (id) => {
      const entry = entries.get(id)
      if (entry?.phase === "draining") end(entry)
    },
    onSuspect: (id) => {
      const entry = entries.get(id)
      if (entry !== undefined) void examine(entry)
    }
  })

  /** Takes an instance that dropped a request back as soon as it accepts connections, and replaces it where it never does. */
  const examine = async (entry: Entry) => {
    for (let i = 0; i < suspectTries && entry.phase === "ready" && entry.instance !== undefined; i++) {
      if (await listens(entry.instance.host, entry.instance.port)) {
        if (entry.phase === "ready") pool.resume(entry.id)
        return
      }
      await new Promise((resolve) => setTimeout(resolve, suspectRetryMs))
    }
    if (entry.phase !== "ready") return
    record(entry, { reason: "NotListening", message: "the instance accepts no connections any more", retryable: true })
    end(entry)
    reconcile()
    input.onFailure()
  }

  const start = () => {
    // Services of several organizations may have revisions of one name: what is random alone sets their containers and records apart.
    const id = `${input.revision}-${randomBytes(8).toString("hex")}`
    const entry: Entry = {
      id,
      writer: input.writer(id),
      care,
      phase: "starting",
      instance: undefined,
      fiber: undefined,
      finding: undefined,
      readyAtMs: undefined,
      provedTimer: undefined,
      drainTimer: undefined
    }
    care = "quick"
    entries.set(id, entry)
    entry.fiber = input.fork(
      Effect.matchCauseEffect(life(entry), {
        onFailure: (cause) => over(entry, failureOf(cause)),
        onSuccess: (why) => over(entry, why)
      }).pipe(Effect.uninterruptible)
    )
  }

  /**
   * From start to end of one instance. Only what comes before its launch can be interrupted, such as its build: what runs must come to
   * us, who alone stop it.
   */
  const life = (entry: Entry): Effect.Effect<FailureReason | undefined, InstanceFailed> =>
    Effect.gen(function* () {
      const spec = yield* Effect.interruptible(input.spec)
      const instance = yield* input.instances.start({
        ...spec,
        care: entry.care,
        traffic: {
          answered: () => pool.answered(entry.id),
          isFull: (since) => pool.isFull(entry.id, since),
          answeredProbe: (since) => pool.answeredProbe(entry.id, since)
        },
        id: entry.id,
        onOutput: entry.writer.write,
        onSystem: entry.writer.system,
        onFinding: (found) => {
          entry.finding = found
          input.onChange()
        },
        onBuild: (line) => {
          entry.writer.system(line)
          input.onBuild(line)
        },
        onPull: input.onPull,
        apart: input.apart
      })
      entry.instance = instance
      input.onLaunched(instance)
      const exit =
        entry.phase === "ending"
          ? yield* Effect.zipRight(instance.stop, Deferred.await(instance.exited))
          : yield* serve(entry, instance, performance.now())
      return failureOfExit(exit, performance.now() - (entry.readyAtMs ?? performance.now()), spec, instance.of)
    })

  const serve = Effect.fnUntraced(function* (entry: Entry, instance: Instance, launchedAtMs: number) {
    const ready = yield* Effect.either(Deferred.await(instance.ready))
    if (Either.isLeft(ready)) {
      yield* instance.stop
      return yield* ready.left
    }
    if (entry.phase === "starting") {
      entry.phase = "ready"
      entry.readyAtMs = performance.now()
      launchMs = performance.now() - launchedAtMs
      if (failure !== undefined) entry.provedTimer = setTimeout(forgive, firstSecondsMs)
      pool.add(instance)
      reconcile()
      input.onChange()
    }
    return yield* Deferred.await(instance.exited)
  })

  const forgive = () => {
    failure = undefined
    input.onChange()
  }

  /** The instance is gone: tells why, closes its log, and starts another where one is wanted. */
  const over = (entry: Entry, why: FailureReason | undefined): Effect.Effect<void> =>
    Effect.gen(function* () {
      clearTimeout(entry.provedTimer)
      clearTimeout(entry.drainTimer)
      pool.remove(entry.id)
      const failed = why !== undefined && (entry.phase === "starting" || entry.phase === "ready") && !closed
      // Whoever still looks at it, since a request got no answer, doesn't count its end a second time.
      entry.phase = "over"
      if (failed) {
        const delayMs = record(entry, why)
        const next = target === 0 || !why.retryable ? "" : `; next try in ${Math.ceil(delayMs / 100) / 10} s`
        entry.writer.system(`${why.message.replace(/\.$/, "")}${next}`)
      }
      yield* Effect.ignore(Effect.promise(() => entry.writer.close()))
      entries.delete(entry.id)
      reconcile()
      if (failed) input.onFailure()
      input.onChange()
      if (entries.size === 0) for (const resolve of ended.splice(0)) resolve()
    })

  const record = (entry: Entry, why: FailureReason): number => {
    const now = performance.now()
    if (entry.readyAtMs !== undefined && now - entry.readyAtMs >= input.backoff.resetAfterMs) failures = 0
    failures = why.retryable ? failures + 1 : Math.max(2, failures + 1)
    // Perhaps what it ran from has been damaged in a way that only its content shows.
    if (failures === 1 && care === "quick") care = "whole"
    const delayMs = Math.max(restartBackoffMs(input.backoff, failures, why.retryable), why.retryAfterMs ?? 0)
    retryAtMs = now + delayMs
    failure = { ...why, count: failures, retryAtMs, retryAt: new Date(Date.now() + delayMs) }
    return delayMs
  }

  const reconcile = () => {
    if (closed) return
    const live = inPhase("starting", "ready")
    let missing = target - live.length
    if (missing < 0) {
      const order = live.sort((a, b) => weight(a) - weight(b))
      for (const entry of order.slice(0, -missing)) drain(entry, input.drainMs)
      return
    }
    for (const entry of missing === 0 ? [] : inPhase("draining")) {
      if (missing === 0) break
      clearTimeout(entry.drainTimer)
      entry.phase = "ready"
      pool.resume(entry.id)
      missing--
    }
    if (missing === 0) return
    const waitMs = retryAtMs - performance.now()
    if (waitMs > 0) {
      clearTimeout(retryTimer)
      retryTimer = setTimeout(reconcile, waitMs)
      return
    }
    // What has just failed is tried by one instance, not by all at once.
    if (failure !== undefined && pool.ready() === 0) missing = inPhase("starting").length > 0 ? 0 : 1
    for (let i = 0; i < missing; i++) start()
    if (missing > 0) input.onChange()
  }

  const weight = (entry: Entry) => (entry.phase === "starting" ? -1 : pool.inFlight(entry.id))

  const drain = (entry: Entry, capMs: number) => {
    if (entry.phase === "starting" || capMs <= 0) return end(entry)
    if (entry.phase === "ending" || entry.phase === "over") return
    entry.phase = "draining"
    clearTimeout(entry.drainTimer)
    entry.drainTimer = setTimeout(() => end(entry), capMs)
    pool.drain(entry.id)
  }

  const end = (entry: Entry) => {
    if (entry.phase === "ending" || entry.phase === "over") return
    entry.phase = "ending"
    clearTimeout(entry.provedTimer)
    clearTimeout(entry.drainTimer)
    pool.remove(entry.id)
    if (entry.instance !== undefined) input.fork(entry.instance.stop)
    else if (closed) callOff(entry)
  }

  /** Ends a start. Not because nobody asks any more: a build that takes longer than callers wait would begin anew each time. */
  const callOff = (entry: Entry) => {
    if (entry.instance === undefined) entry.fiber?.unsafeInterruptAsFork(entry.fiber.id())
  }

  return {
    revision: input.revision,
    pool,
    target: () => target,
    scaleTo: (instances) => {
      if (target === instances && instances === inPhase("starting", "ready").length) return
      target = instances
      if (instances === 0) clearTimeout(retryTimer)
      reconcile()
      input.onChange()
    },
    running: () => inPhase("starting", "ready").length,
    ready: () => pool.ready(),
    proved: () =>
      inPhase("ready").filter((_) => _.readyAtMs !== undefined && performance.now() - _.readyAtMs >= firstSecondsMs)
        .length,
    launchMs: () => launchMs,
    all: () => entries.size,
    failure: () => failure,
    diagnosis: () =>
      failure === undefined
        ? inPhase("starting", "ready").find((_) => _.finding !== undefined)?.finding
        : diagnosisOfFailure(failure),
    instance: (id) => entries.get(id)?.instance,
    forgive,
    retry: () => {
      failure = undefined
      failures = 0
      retryAtMs = 0
      care = "fresh"
      clearTimeout(retryTimer)
      reconcile()
    },
    stop: (drainMs) => {
      closed = true
      target = 0
      clearTimeout(retryTimer)
      for (const entry of [...entries.values()]) {
        if (entry.phase === "ending") callOff(entry)
        else drain(entry, drainMs)
      }
      return entries.size === 0 ? Promise.resolve() : new Promise((resolve) => ended.push(resolve))
    }
  }
}
