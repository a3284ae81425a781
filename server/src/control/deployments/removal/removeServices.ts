import { ServiceName } from "@maxcloud/config-schema"
import { ServiceId, type StatusReason } from "@maxcloud/sdk/api"
import type { ObjectRef } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import { Runtime } from "../../../runtimes/port/Runtime.ts"
import { recordEvents } from "../../../tenancy/events/recordEvents.ts"
import type { Lease } from "../queue/WorkQueue.ts"
import type { StageRows } from "../stages/StageRows.ts"
import type { Begun } from "../stages/stageBase.ts"
import type { Progress } from "../statuses/progress.ts"
import { earlierCalls } from "./earlierCalls.ts"
import { refsOfServices, refsWithout } from "./refs.ts"
import { planRemovals } from "./removals.ts"

/** The reason of a dropped service while a running revision may still call it. */
const stillCalled = "StillCalled" satisfies StatusReason

const decodeRemoved = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: ServiceId, name: ServiceName })))

const waits = (name: string, callers: ReadonlyArray<string>) => {
  const named = callers.slice(0, 3).map((caller) => `"${caller}"`)
  const more = callers.length > 3 ? ` and ${callers.length - 3} more` : ""
  return callers.length === 1
    ? `It stays until ${named[0]} is ready. Until then, a revision of ${named[0]} that calls "${name}" may still run.`
    : `It stays until ${named.join(", ")}${more} are ready. Until then, their revisions that call "${name}" may still run.`
}

export const prunedText = (count: number) =>
  `${count} ${count === 1 ? "object" : "objects"} removed that the app no longer has.`

const tellWaiting = (
  { events, saveProgress, write }: StageRows,
  lease: Lease,
  id: string,
  services: ReadonlyArray<Progress>,
  waiting: ReadonlyMap<string, ReadonlyArray<string>>
) => {
  const changed = services.flatMap((was): ReadonlyArray<Progress> => {
    const callers = was.action === "delete" ? waiting.get(was.name) : undefined
    const message = callers === undefined ? was.message : waits(was.name, callers)
    return callers === undefined || (was.reason === stillCalled && was.message === message)
      ? []
      : [{ ...was, reason: stillCalled, message }]
  })
  const told = changed.map((each) => ({
    type: "service" as const,
    service: each.name,
    reason: stillCalled,
    message: each.message
  }))
  return changed.length === 0
    ? Effect.succeed(changed)
    : Effect.as(write(lease, Effect.andThen(saveProgress(lease, id, changed), events(lease, id, told))), changed)
}

const inventoryOf = ({ inStage, sql }: StageRows, lease: Lease) =>
  Effect.map(
    sql<{ inventory: ReadonlyArray<ObjectRef> }>`select inventory from app_stages where ${inStage(lease)}`,
    (rows) => rows[0]?.inventory ?? []
  )

const remove = (
  rows: StageRows,
  lease: Lease,
  { id, number }: Begun,
  gone: ReadonlyArray<ServiceName>,
  kept: ReadonlyArray<ServiceName>
) =>
  Effect.gen(function* () {
    const { events, inStage, namespaceKeyOf, setInventory, sql, write } = rows
    const runtime = yield* Runtime
    const marked = yield* write(
      lease,
      Effect.gen(function* () {
        const newer = yield* sql`select 1 from app_stages where ${inStage(lease)} and last_number > ${number}`
        if (newer.length > 0) return undefined
        yield* sql`update services set deleting = true where ${inStage(lease)} and name in ${sql.in(gone)}`
        return refsOfServices(yield* inventoryOf(rows, lease), gone, kept)
      })
    )
    if (marked === undefined) return false
    if (marked.length > 0) yield* runtime.remove(namespaceKeyOf(lease), marked)
    yield* write(
      lease,
      Effect.gen(function* () {
        // A newer deployment may have reclaimed one meanwhile: it is no longer `deleting`, and is applied again.
        const removed = decodeRemoved(
          yield* sql`
            delete from services where ${inStage(lease)} and name in ${sql.in(gone)} and deleting returning id, name`
        )
        const { app, organizationId, stage } = lease.key
        yield* recordEvents(
          organizationId,
          ...removed.map(({ id: service, name }) => ({
            type: "service.deleted" as const,
            subject: `services/${service}`,
            data: { app, stage, service, name }
          }))
        )
        yield* sql`
          update deployment_services set state = 'deleted', reason = 'Deleted', message = ''
          where organization_id = ${lease.key.organizationId} and deployment_id = ${id} and action = 'delete'
            and name in ${sql.in(gone)}`
        yield* setInventory(lease, refsWithout(yield* inventoryOf(rows, lease), marked))
        yield* events(lease, id, [
          ...gone.map((service) => ({ type: "service" as const, service, reason: "Deleted", message: "" })),
          ...(marked.length === 0
            ? []
            : [{ type: "pruned" as const, reason: "Pruned", message: prunedText(marked.length) }])
        ])
      })
    )
    return true
  })

/**
 * Removes the services that a deployment drops, even if the deployment fails: each as soon as no running revision may call it.
 * Until then its row says what it waits for. Returns the services' new state; undefined if a newer deployment arrived meanwhile,
 * which may want the dropped services again: then it removes nothing.
 *
 * Level-triggered: services are marked, then removed, then their rows are deleted. After a crash in between, the next pass does
 * the rest.
 */
export const removeServices = (rows: StageRows, lease: Lease, begun: Begun, services: ReadonlyArray<Progress>) =>
  Effect.gen(function* () {
    const leaving = services.filter((service) => service.action === "delete" && service.state !== "deleted")
    if (leaving.length === 0) return services
    const settled = services.every((service) => service.action === "delete" || service.state === "ready")
    const { now, waiting } = planRemovals(services, settled ? new Map() : yield* earlierCalls(rows, lease, begun))
    const changed = new Map(
      (yield* tellWaiting(rows, lease, begun.id, services, waiting)).map((each) => [each.name, each] as const)
    )
    const gone = leaving.filter((each) => now.includes(each.name)).map((each) => each.name)
    const kept = services.filter((service) => !gone.includes(service.name)).map((service) => service.name)
    if (gone.length > 0 && !(yield* remove(rows, lease, begun, gone, kept))) return undefined
    return services.map(
      (service): Progress =>
        gone.includes(service.name)
          ? { ...service, state: "deleted", reason: "Deleted", message: "" }
          : (changed.get(service.name) ?? service)
    )
  })
