import { randomUUID } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Duration, Effect, Schedule, type Scope, Stream } from "effect"
import { endWithin } from "../../../base/node/endWithin.ts"
import { keepDoing, watchOver } from "../../../base/node/keepDoing.ts"
import { monotonicMillis, within } from "../../../base/node/monotonic.ts"
import { type InitialScale, Runtime, type RuntimeError, type ServiceKey } from "../../../runtimes/port/Runtime.ts"
import { makeRestoreQueue, type StageRef } from "./restoreQueue.ts"
import { makeWindowRow } from "./windowRow.ts"

export interface RestoreOptions {
  /** How long services may join a window. @default 20_000 */
  readonly openMs?: number
  /** It closes sooner if nobody joins for this long. @default 2_000 */
  readonly idleMs?: number
  /** How long to wait until the services of a window are at zero. @default 15_000 */
  readonly settleMs?: number
  /** When another server, or this one after a crash, closes it. Longer than the others together. @default 60_000 */
  readonly leaseMs?: number
  /** From the start of a service until its revision has its first instance. @default 5_000 */
  readonly quietMs?: number
  /** After this long, deployments wait for a window instead of a window for deployments. @default 20_000 */
  readonly patienceMs?: number
  /** After this long without a window, services start instances, a few at a time. @default 120_000 */
  readonly giveUpMs?: number
  /** The most services that start at once. @default 5 */
  readonly starting?: number
  /** How long a service that doesn't become ready counts as starting. @default 60_000 */
  readonly startMs?: number
}

/** A window that this server has to close, and the value to put back. */
interface HeldWindow {
  readonly token: string
  readonly initial: InitialScale
  readonly before: string | null
}

/** `open`: apply them now, and `join`. `wait`: ask again later. `none`: there's no window here, so they start instances. */
export type Entry = "open" | "wait" | "none"

const [openEntry, waitEntry, noneEntry]: readonly [Entry, Entry, Entry] = ["open", "wait", "none"]

const unreadyStates = new Set(["pending", "restoring", "waking"])

/** Services that have to wait ask at least each five seconds or so. After a longer pause, it's about other services. */
const forgetMs = 10_000

/** How often to look whether a window may end. */
const look = Duration.millis(250)

/** Sets the value from before the window, unless somebody else has set another one since. */
const putBack = ({ get, set }: InitialScale, before: string | null) =>
  Effect.flatMap(get, (now) => (now === "0" ? set(before) : Effect.void))

/**
 * Brings services back that the runtime has lost. Those without instances come back at zero: while a window is open, new revisions
 * of the whole cluster start without an instance. So deployments wait for the end of a window, and a window for deployments in
 * progress. The others start a few at a time.
 */
export const makeRestoreWindow = (
  wake: (stages: ReadonlyArray<StageRef>) => Effect.Effect<void, SqlError>,
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
      giveUpMs: 120_000,
      starting: 5,
      startMs: 60_000,
      ...options
    }
    const { idleMs, openMs, settleMs, startMs, starting } = limits
    const sql = yield* SqlClient
    const runtime = yield* Runtime
    const scale = runtime.initialScale
    const row = makeWindowRow(sql, limits)
    const scope = yield* Effect.scope
    const queue = makeRestoreQueue((stages) =>
      Effect.catchAll(wake(stages), (error) =>
        // They ask by themselves, only later.
        Effect.logDebug("Couldn't wake apps that wait to be restored", error.message)
      )
    )
    const idOf = (key: ServiceKey) => `${key.namespace}/${key.service}`

    let window: { readonly since: number; readonly joined: Map<string, ServiceKey>; last: number } | undefined
    /** The window that this server may have to close, from before it changes the value. */
    let held: HeldWindow | undefined
    let deniedUntil = 0
    /** When services first and last had to wait. */
    const waiting = { since: 0, last: Number.NEGATIVE_INFINITY }
    const slots = new Map<string, { readonly key: ServiceKey; readonly since: number }>()

    const isUnready = (key: ServiceKey) =>
      runtime.status(key).pipe(
        Effect.map((status) => status._tag === "None" || unreadyStates.has(status.value.state)),
        Effect.orElseSucceed(() => true)
      )

    const finish = ({ before, initial, token }: HeldWindow) =>
      Effect.gen(function* () {
        // After a pause longer than the lease, another server has closed it, and the value may be that of a new window.
        if (yield* row.isHeld(token)) yield* putBack(initial, before)
        yield* row.closed(token)
        held = undefined
        yield* queue.slotsFree(starting)
      })
    // At a stop of the server, the cluster shouldn't keep the value until another one starts.
    yield* Effect.addFinalizer(() =>
      held === undefined ? Effect.void : finish(held).pipe(endWithin("5 seconds"), Effect.ignore)
    )

    const closeWhenSettled = (opened: NonNullable<typeof window>, own: HeldWindow) =>
      Effect.gen(function* () {
        const isOver = Effect.map(monotonicMillis, (now) => now - opened.since >= openMs || now - opened.last >= idleMs)
        yield* Effect.repeat(isOver, { until: (over) => over, schedule: Schedule.spaced(look) })
        window = undefined
        const left = Effect.filter([...opened.joined.values()], isUnready, { concurrency: 16 })
        yield* Effect.repeat(left, {
          until: (keys) => keys.length === 0,
          schedule: Schedule.spaced(look).pipe(within(settleMs))
        })
        yield* finish(own)
      }).pipe(
        // The window's lease ends, and `closeLeft` closes it.
        Effect.catchAll((error) => Effect.logWarning("Couldn't set Knative's initial-scale back yet", error.message))
      )

    /** Claims the window before it reads the value: another window's value is never taken for the former one. */
    const open = (initial: InitialScale) =>
      Effect.gen(function* () {
        const token = randomUUID()
        if (!(yield* row.open(token))) {
          yield* row.want
          return waitEntry
        }
        const changed = Effect.gen(function* () {
          const before = yield* initial.get
          // The row names the former value before the cluster has another: a crash in between changes nothing.
          if (!(yield* row.know(token, before))) return undefined
          const own = { token, initial, before }
          held = own
          yield* initial.set("0")
          return own
        })
        // Refused: nothing has changed. After any other failure the value may be set, so the window's lease ends it.
        const found = yield* Effect.tapErrorTag(changed, "RuntimeError", ({ reason }) =>
          reason === "refused" ? row.closed(token) : Effect.void
        )
        if (found === undefined) return waitEntry
        const since = yield* monotonicMillis
        const opened = { since, last: since, joined: new Map<string, ServiceKey>() }
        window = opened
        yield* Effect.forkIn(closeWhenSettled(opened, found), scope)
        // They join it now: it's open only for a while.
        yield* queue.windowOpen
        return openEntry
      }).pipe(
        Effect.catchTag("RuntimeError", (error) =>
          Effect.gen(function* () {
            if (error.reason !== "refused") return waitEntry
            deniedUntil = (yield* monotonicMillis) + limits.leaseMs
            yield* Effect.logWarning(
              `Idle services can't come back at zero, so they start a few at a time: the server may not set Knative's initial-scale. Run \`maxcloud cluster install\` as the cluster's administrator. ${error.message}`
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
      const entry = yield* open(scale)
      if (entry !== "wait") return entry
      if (now - waiting.last > forgetMs) waiting.since = now
      waiting.last = now
      return now - waiting.since > limits.giveUpMs ? noneEntry : waitEntry
    }).pipe(oneAtATime.withPermits(1))

    const freeSlots = Effect.gen(function* () {
      const now = yield* monotonicMillis
      for (const [id, { key, since }] of slots) if (now - since > startMs || !(yield* isUnready(key))) slots.delete(id)
      return Math.max(0, starting - slots.size)
    })

    const watched = watchOver("services that start in a restore")
    yield* runtime.changes.pipe(
      Stream.filter((key) => slots.has(idOf(key))),
      Stream.runForEach(() => watched(Effect.flatMap(oneAtATime.withPermits(1)(freeSlots), queue.slotsFree))),
      Effect.forkScoped
    )

    const closeLeft = Effect.gen(function* () {
      const [left] = yield* row.left
      if (left === undefined || scale === undefined) return
      if (left.scale_known) yield* putBack(scale, left.scale_before)
      yield* row.closed(left.token)
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
          if (free === 0 || (scale !== undefined && !(yield* row.mayStart))) return []
          const since = yield* monotonicMillis
          const begun = keys.slice(0, free)
          for (const key of begun) slots.set(idOf(key), { key, since })
          return begun
        }).pipe(oneAtATime.withPermits(1)),
      wait: queue.wait,
      leave: queue.leave,
      admit: (organizationId, id) => (scale === undefined ? Effect.succeed(true) : row.admit(organizationId, id))
    }
  })

export interface RestoreWindow {
  /** May services without instances come back now? */
  readonly enter: Effect.Effect<Entry, SqlError>
  /** These were applied in the open window. */
  readonly join: (keys: ReadonlyArray<ServiceKey>) => Effect.Effect<void>
  /** Those of these services that may start an instance now. */
  readonly start: (keys: ReadonlyArray<ServiceKey>) => Effect.Effect<ReadonlyArray<ServiceKey>, SqlError | RuntimeError>
  /** The stage must wait, for a window or only for room. Returns after how many milliseconds to ask again if nobody wakes it. */
  readonly wait: (stage: StageRef, isForWindow: boolean) => Effect.Effect<number>
  /** The stage waits for nothing: everything is restored, or it isn't to be restored now. */
  readonly leave: (stage: StageRef) => Effect.Effect<void>
  /** May this deployment be applied now, so that its new revisions start with an instance? If not, ask again soon. */
  readonly admit: (organizationId: OrganizationId, id: string) => Effect.Effect<boolean, SqlError>
}
