import { ServiceName } from "@maxcloud/config-schema"
import { Effect, Option } from "effect"
import { building, pulling, Runtime, type ServiceStatus } from "../../../runtimes/port/Runtime.ts"
import type { Lease } from "../queue/WorkQueue.ts"
import type { StageRows } from "../stages/StageRows.ts"
import type { Begun } from "../stages/stageBase.ts"
import { isReadyElsewhere, overdue, type Progress, progressOf } from "../statuses/progress.ts"
import { type Observed, recordStatuses } from "../statuses/recordStatuses.ts"

/** The runtime's statuses of these services, as far as known. */
export const statusesOf = (rows: StageRows, lease: Lease, names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const all = yield* Effect.forEach(
      names,
      (name) => {
        const key = { ...rows.namespaceKeyOf(lease), service: ServiceName.make(name) }
        return Effect.map(
          runtime.status(key),
          Option.map((status): Observed => ({ key, status }))
        )
      },
      { concurrency: 16 }
    )
    return all.flatMap(Option.toArray)
  })

/** The current state of a deployment's service. */
const progressNow = (
  service: Progress,
  status: ServiceStatus | undefined,
  stage: string,
  deadline: { readonly isOverdue: boolean; readonly ms: number }
): Progress => {
  const progress: Progress =
    status !== undefined && isReadyElsewhere(status)
      ? { ...service, reason: "Deploying", message: "It is ready. Requests are moving to it." }
      : progressOf(service, status, stage)
  return deadline.isOverdue ? overdue(progress, deadline.ms) : progress
}

interface Change {
  readonly was: Progress
  readonly is: Progress
}

/** Is a change worth an event? A waiting service's messages change often. */
const isTold = ({ is, was }: Change) =>
  is.state !== was.state ||
  is.reason !== was.reason ||
  is.diagnosis?.code !== was.diagnosis?.code ||
  is.diagnosis?.certain !== was.diagnosis?.certain ||
  ((is.reason === building || is.reason === pulling) && is.message !== was.message)

const keep = (
  rows: StageRows,
  lease: Lease,
  id: string,
  changes: ReadonlyArray<Change>,
  observed: ReadonlyArray<Observed>
) =>
  rows.write(
    lease,
    Effect.gen(function* () {
      const keys = observed.map((each) => each.key)
      yield* rows.saveProgress(
        lease,
        id,
        changes.map((change) => change.is)
      )
      yield* recordStatuses(
        keys,
        statusesOf(
          rows,
          lease,
          keys.map((key) => key.service)
        )
      )
      yield* rows.events(
        lease,
        id,
        changes
          .filter(isTold)
          .map(({ is }) => ({ type: "service", service: is.name, reason: is.reason, message: is.message }))
      )
    })
  )

/** How long after its deadline a deployment waits for confirmation, while the runtime is reachable. */
const unconfirmedMs = 120_000

/** A failure counts only if it is based on the runtime's current state: it ends the deployment for good. */
const confirmed = (
  rows: StageRows,
  lease: Lease,
  { number, remaining_ms }: Begun,
  was: Progress,
  judge: (status: ServiceStatus | undefined) => Progress,
  seen: ServiceStatus | undefined
) =>
  Effect.gen(function* () {
    const is = judge(seen)
    if (is.state !== "failed") return { was, is }
    const runtime = yield* Runtime
    const key = { ...rows.namespaceKeyOf(lease), service: ServiceName.make(was.name) }
    // The confirmation is about the newest report, which may have arrived since.
    const isCurrent = yield* runtime.isConfirmed(key)
    const isTooLate = remaining_ms <= -unconfirmedMs
    if (!isCurrent && !isTooLate) return { was, is: was }
    const known = judge(Option.getOrUndefined(yield* runtime.status(key)))
    if (!isCurrent) {
      yield* Effect.logWarning(
        `Deployment ${number} of ${key.organization}/${key.app}/${key.stage}: the state of service "${was.name}" couldn't be confirmed within ${unconfirmedMs / 1000} s after the deadline. It counts as last seen: ${known.state}`
      )
    }
    return { was, is: known }
  })

/** Checks the undecided services, and stores changes. Returns all services of the deployment in their current state. */
export const follow = (rows: StageRows, lease: Lease, begun: Begun, deadlineMs: number) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const before = yield* rows.progress(lease, begun.id)
    const open = before.filter((each) => each.action !== "delete" && each.state === "pending")
    const observed = yield* statusesOf(
      rows,
      lease,
      open.map((each) => each.name)
    )
    const released = observed.filter((each) => isReadyElsewhere(each.status)).map((each) => each.key.service)
    if (released.length > 0) yield* runtime.release(rows.namespaceKeyOf(lease), released)
    const found = new Map<string, ServiceStatus>(observed.map((each) => [each.key.service, each.status]))
    const deadline = { isOverdue: begun.overdue, ms: deadlineMs }
    const judged = yield* Effect.forEach(
      open,
      (was) =>
        confirmed(
          rows,
          lease,
          begun,
          was,
          (status) => progressNow(was, status, lease.key.stage, deadline),
          found.get(was.name)
        ),
      { concurrency: 8 }
    )
    const now = new Map(judged.map((change) => [change.was.name, change]))
    const changes = [...now.values()].filter(({ is, was }) => JSON.stringify(is) !== JSON.stringify(was))
    if (changes.length > 0) yield* keep(rows, lease, begun.id, changes, observed)
    const expired = judged.flatMap(({ is, was }) => {
      const status = found.get(was.name)
      return is.state === "pending" && status?.expired === true
        ? [{ name: was.name, revision: status.latestCreatedRevision }]
        : []
    })
    if (expired.length > 0) yield* rows.startAgain(lease, expired)
    return before.map((service) => now.get(service.name)?.is ?? service)
  })
