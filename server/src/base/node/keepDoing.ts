import { Cause, Duration, Effect, Metric, Option, Schedule, type Scope } from "effect"
import { countsOf } from "./countsOf.ts"

const failures = Metric.counter("maxcloud_background_failures", { incremental: true })

/** How often each background task of this process has failed. */
export const backgroundFailures = () => countsOf("maxcloud_background_failures", "task")

/** Names and codes along an error's causes, without what changes from one failure to the next. */
const kindOf = (cause: Cause.Cause<unknown>): string => {
  const parts: Array<string> = []
  let error: unknown = Cause.squash(cause)
  for (let depth = 0; depth < 5 && error instanceof Error; depth++) {
    parts.push(error.name, "code" in error ? String(error.code) : "")
    error = error.cause
  }
  return parts.join(" ") || "unknown"
}

/** Runs an effect; its failures and defects are counted, and logged once for each kind until it works again. None: it failed. */
export type Watched = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<Option.Option<A>, never, R>

/**
 * The watch over one background task. It catches everything but the interruption of its own fiber: a task that catches only its expected
 * errors ends for good at the first row that can't be decoded.
 */
export const watchOver = (name: string): Watched => {
  const logged = new Set<string>()
  const worked = Effect.suspend(() => {
    if (logged.size === 0) return Effect.void
    logged.clear()
    return Effect.logInfo(`The background task "${name}" works again.`)
  })
  const failed = (cause: Cause.Cause<unknown>) =>
    Effect.suspend(() => {
      const kind = kindOf(cause)
      const isNew = !logged.has(kind)
      logged.add(kind)
      return isNew
        ? Effect.logWarning(
            `The background task "${name}" failed and is retried. Further failures of this kind are only counted (/metrics).`,
            cause
          )
        : Effect.logDebug(`The background task "${name}" failed again.`, cause)
    }).pipe(Effect.zipLeft(Metric.increment(Metric.tagged(failures, "task", name))))
  return (effect) =>
    effect.pipe(
      Effect.tap(() => worked),
      Effect.asSome,
      Effect.catchAllCause((cause) => Effect.as(failed(cause), Option.none()))
    )
}

export interface Often {
  /** From one run to the next. */
  readonly every: Duration.DurationInput
  /** Before the first run. @default none */
  readonly after?: Duration.DurationInput
  /** The longest pause after failures. @default `every`, but at least a second */
  readonly longestPause?: Duration.DurationInput
}

const isOften = (how: Duration.DurationInput | Often): how is Often =>
  typeof how === "object" && !Array.isArray(how) && "every" in how

/**
 * Does something again and again in the background until the scope ends, whatever becomes of one run (`watchOver`). After failures it backs
 * off, from a second (or `every`, if that is shorter) to `longestPause`. `name`, for the log and `/metrics`: what the task is for.
 */
export const keepDoing = <A, E, R>(
  name: string,
  how: Duration.DurationInput | Often,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.suspend(() => {
    const { after, every, longestPause }: Often = isOften(how) ? how : { every: how }
    const everyMs = Duration.toMillis(every)
    const longest = longestPause === undefined ? Math.max(everyMs, 1_000) : Duration.toMillis(longestPause)
    const backoff = Schedule.exponential(Math.min(longest, everyMs === 0 ? 200 : Math.min(everyMs, 1_000))).pipe(
      Schedule.union(Schedule.spaced(longest)),
      Schedule.jittered
    )
    const once = watchOver(name)(effect).pipe(
      Effect.repeat({ schedule: backoff, until: Option.isSome }),
      Effect.andThen(everyMs === 0 ? Effect.yieldNow() : Effect.sleep(every))
    )
    return Effect.forever(once).pipe(
      after === undefined ? (task) => task : Effect.delay(after),
      Effect.forkScoped,
      Effect.asVoid
    )
  })
