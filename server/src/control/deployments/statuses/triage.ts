import { Effect, Option, Queue, Stream } from "effect"
import { monotonicMillis } from "../../../base/node/monotonic.ts"
import type { Runtime, ServiceKey, ServiceStatus } from "../../../runtimes/port/Runtime.ts"

/**
 * The part of a status that somebody waits for. Other parts, such as the text of a condition, change many times while a service starts,
 * and each record of a change costs a transaction and a pass over its deployment.
 */
const urgentPart = (status: ServiceStatus): string =>
  JSON.stringify([
    status.state,
    status.generation === status.observedGeneration,
    status.latestCreatedRevision,
    status.latestReadyRevision,
    status.conditions.find((condition) => condition.type === "Ready")?.reason,
    status.terminal,
    status.held,
    status.expired,
    status.losing,
    status.diagnosis?.code,
    status.diagnosis?.certain
  ])

/** How long to collect changes that nobody waits for. */
export const calmMs = 500

/**
 * The pause after a record, as a multiple of the time that it took: during a burst, such as the start of a large app, each record
 * takes what has changed meanwhile, instead of a transaction for every few services.
 */
const pausePerRecord = 3

/**
 * Decides which changed services to record at once. The others are recorded with the next of them, or after `calmMs`. Right after
 * a record, even what somebody waits for is collected for a moment.
 */
export const makeTriage = Effect.fn("makeTriage")(function* (runtime: Pick<Runtime["Type"], "status">) {
  const scope = yield* Effect.scope
  /** The urgent part of each service's status when it was last looked at. */
  const seen = new Map<string, string>()
  const collected = new Map<string, ServiceKey>()
  const due = yield* Queue.sliding<void>(1)
  /** When the next timer ends, in monotonic milliseconds. */
  let timedFor = Number.POSITIVE_INFINITY
  let pausedUntil = 0

  const isUrgent = (id: string, key: ServiceKey) =>
    runtime.status(key).pipe(
      Effect.orElseSucceed(Option.none<ServiceStatus>),
      // The record of it meets the same defect, and logs it.
      Effect.catchAllDefect(() => Effect.succeed(Option.none<ServiceStatus>())),
      Effect.map((status) => {
        const was = seen.get(id)
        const is = Option.map(status, urgentPart)
        if (Option.isNone(is)) seen.delete(id)
        else seen.set(id, is.value)
        return Option.isNone(is) || is.value !== was
      })
    )

  const takeAll = (): ReadonlyArray<ServiceKey> => {
    const all = [...collected.values()]
    collected.clear()
    return all
  }

  const timer = (now: number, at: number) =>
    Effect.suspend(() => {
      if (timedFor <= at) return Effect.void
      timedFor = at
      return Queue.offer(due, undefined).pipe(Effect.delay(at - now), Effect.forkIn(scope), Effect.asVoid)
    })

  return {
    /** Those to record now. */
    triage: (keys: Iterable<ServiceKey>) =>
      Effect.gen(function* () {
        let urgent = false
        for (const key of keys) {
          const id = `${key.organizationId}/${key.namespace}/${key.service}`
          if (yield* isUrgent(id, key)) urgent = true
          collected.set(id, key)
        }
        const now = yield* monotonicMillis
        if (urgent && now >= pausedUntil) return takeAll()
        if (collected.size > 0) yield* timer(now, urgent ? pausedUntil : now + calmMs)
        return []
      }),

    /** A record has ended, which took this long. */
    recorded: (tookMs: number) =>
      Effect.map(monotonicMillis, (now) => {
        pausedUntil = now + Math.min(tookMs * pausePerRecord, calmMs)
      }),

    /** Those whose time has come. */
    due: Stream.map(Stream.fromQueue(due), () => {
      timedFor = Number.POSITIVE_INFINITY
      return takeAll()
    })
  }
})
