import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { Duration, Effect, Schedule, type Scope } from "effect"
import { keepDoing } from "../../../base/node/keepDoing.ts"
import { monotonicMillis, within } from "../../../base/node/monotonic.ts"
import { type InitialScale, Runtime, type RuntimeError, type ServiceKey } from "../../../runtimes/port/Runtime.ts"

export interface RestoreOptions {
  /** How long services may join a window. @default 20_000 */
  readonly openMs?: number
  /** It closes sooner if nobody joins for this long. @default 2_000 */
  readonly idleMs?: number
  /** How long to wait until the services of a window are at zero. @default 15_000 */
  readonly settleMs?: number
  /** When another server, or this one after a crash, closes it. Longer than the others together. @default 60_000 */
  readonly leaseMs?: number
  /** From the apply of a deployment until its revisions have their first instances. @default 5_000 */
  readonly quietMs?: number
  /** After this long, deployments wait for a window instead of a window for deployments. @default 20_000 */
  readonly patienceMs?: number
  /** The most services that start at once. @default 5 */
  readonly starting?: number
  /** How long a service that doesn't become ready counts as starting. @default 60_000 */
  readonly startMs?: number
}

/** `open`: apply them now, and `join`. `wait`: ask again later. `none`: there's no window here, so they start instances. */
export type Entry = "open" | "wait" | "none"

const [openEntry, waitEntry, noneEntry]: readonly [Entry, Entry, Entry] = ["open", "wait", "none"]

const unreadyStates = new Set(["pending", "restoring", "waking"])

/** How often a deployment that waits looks. */
const look = Duration.millis(250)

/** The row that all servers share. */
const makeRow = (sql: SqlClient, { leaseMs, patienceMs, quietMs }: Required<RestoreOptions>) => {
  const ms = (millis: number) => sql`${millis} * interval '1 millisecond'`
  const now = sql`clock_timestamp()`
  // A time ahead of the clock is from before the clock was set back.
  const recent = (column: "deployed_at" | "wanted_since", millis: number) =>
    sql`${sql(column)} between ${now} - ${ms(millis)} and ${now}`
  /** A window has waited for long enough, but not so long that whoever wanted it must be dead. */
  const isUrgent = sql`(${recent("wanted_since", leaseMs)} and not ${recent("wanted_since", patienceMs)})`
  return {
    open: (before: string | null) =>
      Effect.map(
        sql`update restore_window set is_open = true, open_until = ${now} + ${ms(leaseMs)}, scale_before = ${before}
          where not is_open and not ${recent("deployed_at", quietMs)} returning 1`,
        (rows) => rows.length > 0
      ),
    want: sql`update restore_window set wanted_since = ${now} where not ${recent("wanted_since", leaseMs)}`,
    closed: sql`update restore_window set is_open = false, open_until = '-infinity', wanted_since = '-infinity', scale_before = null`,
    /** May a deployment be applied now? */
    deploy: Effect.map(
      sql`update restore_window set deployed_at = ${now} where not is_open and not ${isUrgent} returning 1`,
      (rows) => rows.length > 0
    ),
    left: sql<{ scale_before: string | null }>`
      select scale_before from restore_window where is_open and open_until not between ${now} and ${now} + ${ms(leaseMs)}`
  }
}

/** Sets the value from before the window, unless somebody else has set another one since. */
const putBack = ({ get, set }: InitialScale, before: string | null) =>
  Effect.flatMap(get, (now) => (now === "0" ? set(before) : Effect.void))

/**
 * Brings services back that the runtime has lost. Those without instances come back at zero: while a window is open, new revisions
 * of the whole cluster start without an instance. So deployments wait for the end of a window, and a window for deployments that
 * were just applied. The others start a few at a time.
 */
export const makeRestoreWindow = (
  options: RestoreOptions = {}
): Effect.Effect<RestoreWindow, never, SqlClient | Runtime | Scope.Scope> =>
  Effect.gen(function* () {
    const limits: Required<RestoreOptions> = {
      openMs: 20_000,
      idleMs: 2_000,
      settleMs: 15_000,
      leaseMs: 60_000,
      quietMs: 5_000,
      patienceMs: 20_000,
      starting: 5,
      startMs: 60_000,
      ...options
    }
    const { idleMs, openMs, settleMs, startMs, starting } = limits
    const sql = yield* SqlClient
    const runtime = yield* Runtime
    const scale = runtime.initialScale
    const row = makeRow(sql, limits)
    const scope = yield* Effect.scope
    const idOf = (key: ServiceKey) => `${key.namespace}/${key.service}`

    let window: { readonly since: number; readonly joined: Map<string, ServiceKey>; last: number } | undefined
    let deniedUntil = 0
    const slots = new Map<string, { readonly key: ServiceKey; readonly since: number }>()

    const isUnready = (key: ServiceKey) =>
      runtime.status(key).pipe(
        Effect.map((status) => status._tag === "None" || unreadyStates.has(status.value.state)),
        Effect.orElseSucceed(() => true)
      )

    const closeWhenSettled = (opened: NonNullable<typeof window>, initial: InitialScale, before: string | null) =>
      Effect.gen(function* () {
        const isOver = Effect.map(monotonicMillis, (now) => now - opened.since >= openMs || now - opened.last >= idleMs)
        yield* Effect.repeat(isOver, { until: (over) => over, schedule: Schedule.spaced(look) })
        window = undefined
        const left = Effect.filter([...opened.joined.values()], isUnready, { concurrency: 16 })
        yield* Effect.repeat(left, {
          until: (keys) => keys.length === 0,
          schedule: Schedule.spaced(look).pipe(within(settleMs))
        })
        yield* putBack(initial, before)
        yield* row.closed
      }).pipe(
        // The window's lease ends, and `closeLeft` closes it.
        Effect.catchAll((error) => Effect.logWarning("Couldn't set Knative's initial-scale back yet", error.message))
      )

    const open = (initial: InitialScale) =>
      Effect.gen(function* () {
        const before = yield* initial.get
        if (!(yield* row.open(before))) {
          yield* row.want
          return waitEntry
        }
        // The row names the former value before the cluster has another: a crash in between changes nothing.
        yield* Effect.onError(initial.set("0"), () => Effect.ignore(row.closed))
        const since = yield* monotonicMillis
        const opened = { since, last: since, joined: new Map<string, ServiceKey>() }
        window = opened
        yield* Effect.forkIn(closeWhenSettled(opened, initial, before), scope)
        return openEntry
      }).pipe(
        Effect.catchTag("RuntimeError", (error) =>
          Effect.gen(function* () {
            deniedUntil = (yield* monotonicMillis) + limits.leaseMs
            yield* Effect.logWarning(
              `Idle services can't come back at zero, so they start a few at a time: the server couldn't set Knative's initial-scale. Run \`maxcloud cluster install\` as the cluster's administrator. ${error.message}`
            )
            return noneEntry
          })
        )
      )

    const oneAtATime = yield* Effect.makeSemaphore(1)
    const enter = Effect.gen(function* () {
      const now = yield* monotonicMillis
      if (scale === undefined || now < deniedUntil) return noneEntry
      if (window !== undefined) {
        window.last = now
        return openEntry
      }
      return yield* open(scale)
    }).pipe(oneAtATime.withPermits(1))

    const freeSlots = Effect.gen(function* () {
      const now = yield* monotonicMillis
      for (const [id, { key, since }] of slots) if (now - since > startMs || !(yield* isUnready(key))) slots.delete(id)
      return Math.max(0, starting - slots.size)
    })

    const deploying = scale === undefined ? Effect.succeed(true) : row.deploy
    const closeLeft = Effect.gen(function* () {
      const [left] = yield* row.left
      if (left === undefined || scale === undefined) return
      yield* putBack(scale, left.scale_before)
      yield* row.closed
    })
    if (scale !== undefined) yield* keepDoing("the end of an interrupted restore", "5 seconds", closeLeft)

    return {
      enter,
      join: (keys) =>
        Effect.map(monotonicMillis, (now) => {
          if (window === undefined) return
          window.last = now
          for (const key of keys) window.joined.set(idOf(key), key)
        }),
      start: (keys) =>
        Effect.gen(function* () {
          const free = yield* freeSlots
          if (free === 0 || !(yield* deploying)) return []
          const since = yield* monotonicMillis
          const begun = keys.slice(0, free)
          for (const key of begun) slots.set(idOf(key), { key, since })
          return begun
        }).pipe(oneAtATime.withPermits(1)),
      // Longer than any window: then the database's clock is wrong, or a server that is gone has it.
      beforeDeployment: Effect.repeat(deploying, {
        until: (may) => may,
        schedule: Schedule.spaced(look).pipe(within(limits.leaseMs))
      }).pipe(Effect.asVoid)
    }
  })

export interface RestoreWindow {
  /** May services without instances come back now? */
  readonly enter: Effect.Effect<Entry, SqlError>
  /** These were applied in the open window. */
  readonly join: (keys: ReadonlyArray<ServiceKey>) => Effect.Effect<void>
  /** Those of these services that may start an instance now. */
  readonly start: (keys: ReadonlyArray<ServiceKey>) => Effect.Effect<ReadonlyArray<ServiceKey>, SqlError | RuntimeError>
  /** Returns when a deployment may be applied, so that its new revisions start with an instance. */
  readonly beforeDeployment: Effect.Effect<void, SqlError>
}
