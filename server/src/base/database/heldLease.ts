import { Duration, Effect, Option, Schedule } from "effect"
import { monotonicMillis } from "../node/monotonic.ts"
import { adjust, count } from "../telemetry/processMetrics.ts"
import type { HolderName } from "./LeaseHolder.ts"

/** A lease on a row, which the database ends `leaseMs` after it was taken or renewed. */
export interface HeldLease<E, R> {
  /** The kind of work, for the log and `/metrics`. */
  readonly name: string
  readonly leaseMs: number
  /** `monotonicMillis` before the lease was taken, so that ours never seems to last longer than the database's. */
  readonly since: number
  /** Renews the lease. False: it has expired, or another server has it. */
  readonly renew: Effect.Effect<boolean, E, R>
  /** The name in the lease's row. */
  readonly holder: HolderName | undefined
  /** @default a third of `leaseMs` */
  readonly everyMs?: number | undefined
}

/** `taken`: another server has it. `expiring`: it couldn't be renewed in time, so another may soon have it. `unprotected`: others may think that this server is dead (`LeaseHolder`). */
export type LeaseEnd = "taken" | "expiring" | "unprotected"

const words: Record<LeaseEnd, string> = {
  taken: "another server has taken it over",
  expiring: "the database didn't renew it in time",
  unprotected: "other servers can't tell that this one lives"
}

/** The end of a lease minus the time that work gets to stop. */
const safetyOf = (leaseMs: number) => leaseMs / 6

/** One try may hang on a dead connection. The next one gets another. */
const tryOf = <E, R>({ leaseMs, renew }: HeldLease<E, R>) =>
  Effect.flatMap(monotonicMillis, (begun) =>
    renew.pipe(
      Effect.map((isOurs) => ({ begun, isOurs })),
      Effect.disconnect,
      Effect.timeout(Duration.millis(leaseMs / 6))
    )
  )

const untilRenewed = <E, R>(lease: HeldLease<E, R>) =>
  tryOf(lease).pipe(
    Effect.sandbox,
    Effect.tapError((cause) => Effect.logDebug(`Couldn't renew a lease (${lease.name}). Retrying.`, cause)),
    Effect.retry(
      Schedule.exponential(Duration.millis(lease.leaseMs / 120)).pipe(
        Schedule.union(Schedule.spaced(Duration.millis(lease.leaseMs / 30)))
      )
    )
  )

const renewing = <E, R>(lease: HeldLease<E, R>): Effect.Effect<LeaseEnd, never, R> =>
  Effect.gen(function* () {
    const { everyMs = lease.leaseMs / 3, leaseMs, since } = lease
    let begun = since
    for (;;) {
      yield* Effect.sleep(Duration.millis(Math.max(0, begun + everyMs - (yield* monotonicMillis))))
      const left = begun + leaseMs - safetyOf(leaseMs) - (yield* monotonicMillis)
      const renewed = yield* untilRenewed(lease).pipe(Effect.timeout(Duration.millis(Math.max(0, left))), Effect.option)
      if (Option.isNone(renewed)) return "expiring"
      if (!renewed.value.isOurs) return "taken"
      begun = renewed.value.begun
    }
  })

/**
 * Renews a lease for as long as it can, and returns why that ended. A failure is retried until shortly before the lease's
 * own end: one failed statement, such as during a failover of the database, ends nothing.
 */
export const keepLease = <E, R>(lease: HeldLease<E, R>): Effect.Effect<LeaseEnd, never, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      adjust("maxcloud_leases_held", { work: lease.name }, 1)
      count("maxcloud_leases_lost_total", { work: lease.name }, 0)
    }),
    () => Effect.raceFirst(renewing(lease), Effect.as(lease.holder?.lost ?? Effect.never, "unprotected" as const)),
    () => Effect.sync(() => adjust("maxcloud_leases_held", { work: lease.name }, -1))
  ).pipe(
    Effect.tap((end) =>
      Effect.logWarning(`Stopping work (${lease.name}) because its lease was lost: ${words[end]}.`).pipe(
        Effect.zipRight(Effect.sync(() => count("maxcloud_leases_lost_total", { work: lease.name })))
      )
    )
  )

/**
 * Works for as long as the lease is held. If it ends first, the work is interrupted, and only once it has stopped does
 * `onEnd` give the outcome. Both can be interrupted by each other even if the caller can't be, as in a request's handler: else
 * the race would wait for a renewal that never ends.
 */
export const whileHeld = <A, E, R, E1, R1, A2, E2, R2>(
  lease: HeldLease<E1, R1>,
  work: Effect.Effect<A, E, R>,
  onEnd: (end: LeaseEnd) => Effect.Effect<A2, E2, R2>
): Effect.Effect<A | A2, E | E2, R | R1 | R2> =>
  Effect.raceFirst(
    Effect.interruptible(Effect.map(work, Effect.succeed)),
    Effect.interruptible(Effect.map(keepLease(lease), onEnd))
  ).pipe(Effect.flatMap((outcome): Effect.Effect<A | A2, E2, R2> => outcome))
