import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { parseAppSpec, SecretName, ServiceName } from "@maxcloud/config-schema"
import { DeploymentService } from "@maxcloud/sdk/api"
import { type Manifest, namespaceOf, type ObjectRef, refOf } from "@maxcloud/synth"
import { Effect, Option, Schema } from "effect"
import { transaction } from "../database/sqlErrors.ts"
import { type NamespaceKey, Runtime } from "../runtime/Runtime.ts"
import { type Observed, recordStatuses } from "../services/recordStatuses.ts"
import type { StoredStatus } from "../services/serviceRows.ts"
import { appendEvents, type NewEvent } from "./deploymentRows.ts"
import { tenantOf } from "./inspectSpec.ts"
import { Platform } from "./Platform.ts"
import { failureOf, overdue, type Progress, progressOf } from "./progress.ts"
import type { Lease, LeaseLost, Outcome, WorkQueue } from "./WorkQueue.ts"

export interface ReconcileOptions {
  readonly queue: WorkQueue
  readonly progressDeadlineMs: number
  /** How soon to look again at what still becomes ready, without a wake-up. */
  readonly resyncMs: number
}

const Ref = Schema.Struct({ apiVersion: Schema.String, kind: Schema.String, name: Schema.String })
const Begun = Schema.Struct({
  id: Schema.String,
  number: Schema.Int,
  finished: Schema.Boolean,
  overdue: Schema.Boolean,
  remaining_ms: Schema.Number,
  inventory: Schema.Array(Ref)
})
type Begun = typeof Begun.Type

const decodeBegun = Schema.decodeUnknownSync(Schema.Array(Begun))
const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))
const decodeProgress = Schema.decodeUnknownSync(Schema.Array(DeploymentService))
const decodeVersions = Schema.decodeUnknownSync(Schema.Record({ key: SecretName, value: Schema.Int }))

/** Loaded with the first deployment: cdk8s costs 13 MB and a tenth of a second, which a server at rest can do without. */
const synthesis = Effect.promise(() => import("@maxcloud/synth"))

const nameOf = (ref: ObjectRef) => `${ref.apiVersion}/${ref.kind}/${ref.name}`
const without = (refs: ReadonlyArray<ObjectRef>, others: ReadonlyArray<ObjectRef>) => {
  const names = new Set(others.map(nameOf))
  return refs.filter((_) => !names.has(nameOf(_)))
}

const neverRun = (reason: string, message: string): StoredStatus => ({
  state: "failed",
  conditions: [{ type: "Ready", status: "False", reason, message, lastTransitionTime: new Date().toISOString() }],
  latestCreatedRevision: null,
  latestReadyRevision: null,
  traffic: [],
  instances: 0,
  url: null,
  diagnosis: null
})

const done: Outcome = { _tag: "done" }
const again = (when: { readonly afterMs: number; readonly failed: boolean }): Outcome => ({ _tag: "retry", ...when })

/**
 * Carries out the newest deployment of an app and stage, one pass at a time. Level triggered: each pass reads all again, so a lost or
 * repeated wake-up, or a death in the middle, does no harm.
 */
export const makeReconcile = ({ progressDeadlineMs, queue, resyncMs }: ReconcileOptions) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const runtime = yield* Runtime
    const platform = yield* Platform
    /** What this process has applied: after a restart it is applied once more. */
    const applied = new Set<string>()
    const warned = new Map<string, string>()

    const inStage = ({ key }: Lease) =>
      sql`organization_id = ${key.organizationId} and app = ${key.app} and stage = ${key.stage}`

    const namespaceKey = ({ key }: Lease): NamespaceKey => ({
      organizationId: key.organizationId,
      organization: key.organization,
      stage: key.stage,
      namespace: namespaceOf(key)
    })

    /** Writes that need the lease: with the app's row locked, as `accept` locks it. */
    const write = <A, E, R>(lease: Lease, effect: Effect.Effect<A, E, R>) =>
      transaction(
        sql`select 1 from app_stages where ${inStage(lease)} for update`.pipe(
          Effect.andThen(queue.fence(lease)),
          Effect.andThen(effect)
        )
      ).pipe(Effect.provideService(SqlClient, sql))

    const events = (lease: Lease, id: string, all: ReadonlyArray<NewEvent>) =>
      appendEvents(lease.key.organizationId, id, all)

    /** The newest deployment, begun if it waited; older ones that are under way are superseded. */
    const begin = (lease: Lease) =>
      write(
        lease,
        Effect.gen(function* () {
          const newest = sql`(select last_number from app_stages where ${inStage(lease)})`
          const older = decodeIds(
            yield* sql`
              update deployments set state = 'superseded', reason = 'Superseded', finished_at = clock_timestamp(),
                message = 'A newer deployment came before it had finished.'
              where ${inStage(lease)} and finished_at is null and number < ${newest} returning id`
          )
          for (const { id } of older) {
            applied.delete(id)
            yield* events(lease, id, [
              {
                type: "finished",
                reason: "Superseded",
                message: "A newer deployment came before it had finished."
              }
            ])
          }
          const started = decodeIds(
            yield* sql`
              update deployments set state = 'running', reason = 'Running', message = 'It is being carried out.',
                started_at = clock_timestamp(),
                deadline_at = clock_timestamp() + ${progressDeadlineMs} * interval '1 millisecond'
              where ${inStage(lease)} and state = 'queued' and number = ${newest} returning id`
          )
          for (const { id } of started) {
            yield* events(lease, id, [{ type: "started", reason: "Running", message: "It is being carried out." }])
          }
          const rows = decodeBegun(
            yield* sql`
              select d.id, d.number, d.finished_at is not null as finished,
                coalesce(d.deadline_at <= clock_timestamp(), false) as overdue,
                coalesce(extract(epoch from d.deadline_at - clock_timestamp()) * 1000, 0)::float8 as remaining_ms,
                a.inventory
              from app_stages a join deployments d on d.organization_id = a.organization_id and d.app = a.app
                and d.stage = a.stage and d.number = a.last_number
              where a.organization_id = ${lease.key.organizationId} and a.app = ${lease.key.app}
                and a.stage = ${lease.key.stage}`
          )
          return rows[0]
        })
      )

    /** The manifests of a deployment: made once, then kept. */
    const manifestsOf = (lease: Lease, id: string) =>
      Effect.gen(function* () {
        const org = lease.key.organizationId
        const kept = yield* sql<{ manifests: ReadonlyArray<Manifest> }>`
          select manifests from deployment_manifests where organization_id = ${org} and deployment_id = ${id}`
        if (kept[0] !== undefined) return kept[0].manifests
        const rows = yield* sql<{ spec: unknown; secret_versions: unknown }>`
          select spec, secret_versions from deployments where organization_id = ${org} and id = ${id}`
        const spec = yield* Effect.orDieWith(
          parseAppSpec(rows[0]?.spec),
          (issues) => new Error(`the stored spec of ${id} cannot be read: ${issues.map((_) => _.message).join("; ")}`)
        )
        const versions = new Map(
          Object.entries(decodeVersions(rows[0]?.secret_versions)).map(([name, version]) => [
            SecretName.make(name),
            version
          ])
        )
        const { synth } = yield* synthesis
        const manifests = yield* Effect.sync(() =>
          synth(spec, tenantOf(lease.key, platform, { secretVersions: versions }))
        )
        yield* write(
          lease,
          sql`
            insert into deployment_manifests (organization_id, deployment_id, manifests)
            values (${org}, ${id}, ${JSON.stringify(manifests)}::json) on conflict do nothing`
        )
        return manifests
      })

    const setInventory = (lease: Lease, refs: ReadonlyArray<ObjectRef>) =>
      sql`update app_stages set inventory = ${JSON.stringify(refs)}::jsonb where ${inStage(lease)}`

    /** The namespace's own objects first, for the others stand in it. */
    const applyAll = (lease: Lease, manifests: ReadonlyArray<Manifest>) =>
      Effect.gen(function* () {
        const key = namespaceKey(lease)
        const { synthNamespace } = yield* synthesis
        yield* runtime.apply(key, lease.key.app, synthNamespace(tenantOf(lease.key, platform)), { force: false })
        if (manifests.length > 0) yield* runtime.apply(key, lease.key.app, manifests, { force: false })
      })

    const apply = (lease: Lease, { id, inventory }: Begun) =>
      Effect.gen(function* () {
        const manifests = yield* manifestsOf(lease, id)
        const wanted = manifests.map(refOf)
        // Recorded before anything is applied: a crash may leave a record of nothing, never an object without a record.
        yield* write(lease, setInventory(lease, [...wanted, ...without(inventory, wanted)]))
        yield* applyAll(lease, manifests)
      })

    const progressRows = (lease: Lease, id: string) =>
      sql`
        select name, action, state, revision, url, reason, message, log_tail as "logTail", diagnosis from deployment_services
        where organization_id = ${lease.key.organizationId} and deployment_id = ${id} order by position`.pipe(
        Effect.map((rows): ReadonlyArray<Progress> => decodeProgress(rows))
      )

    const statuses = (lease: Lease, names: ReadonlyArray<string>) =>
      Effect.forEach(
        names,
        (name) => {
          const key = { ...namespaceKey(lease), service: ServiceName.make(name) }
          return Effect.map(runtime.status(key), (status) => ({ key, status }))
        },
        { concurrency: 16 }
      ).pipe(
        Effect.map((all) =>
          all.flatMap(
            ({ key, status }): ReadonlyArray<Observed> =>
              Option.match(status, { onNone: () => [], onSome: (_) => [{ key, status: _ }] })
          )
        )
      )

    const saveProgress = (lease: Lease, id: string, changed: ReadonlyArray<Progress>) =>
      sql`
        update deployment_services d
        set state = c.state, revision = c.revision, url = c.url, reason = c.reason, message = c.message, log_tail = c."logTail",
          diagnosis = c.diagnosis
        from jsonb_to_recordset(${JSON.stringify(changed)}::jsonb)
          as c (name text, state text, revision text, url text, reason text, message text, "logTail" jsonb, diagnosis jsonb)
        where d.organization_id = ${lease.key.organizationId} and d.deployment_id = ${id} and d.name = c.name`

    /** Looks at the services that are not yet decided, and keeps what has changed. */
    const follow = (lease: Lease, begun: Begun) =>
      Effect.gen(function* () {
        const before = yield* progressRows(lease, begun.id)
        const open = before.filter((_) => _.action !== "delete" && _.state === "pending")
        const observed = yield* statuses(
          lease,
          open.map((_) => _.name)
        )
        const found = new Map<string, Observed>(observed.map((_) => [_.key.service, _]))
        const now = new Map(
          open.map((service) => {
            const progress = progressOf(service, found.get(service.name)?.status)
            return [service.name, begun.overdue ? overdue(progress, progressDeadlineMs) : progress] as const
          })
        )
        const changed = open.flatMap((was) => {
          const is = now.get(was.name)
          return is === undefined || JSON.stringify(is) === JSON.stringify(was) ? [] : [{ was, is }]
        })
        if (changed.length > 0) {
          const told = changed.filter(({ is, was }) => is.state !== was.state || is.reason !== was.reason)
          yield* write(
            lease,
            saveProgress(
              lease,
              begun.id,
              changed.map((_) => _.is)
            ).pipe(
              Effect.andThen(recordStatuses(observed)),
              Effect.andThen(
                events(
                  lease,
                  begun.id,
                  told.map(({ is }) => ({ type: "service", service: is.name, reason: is.reason, message: is.message }))
                )
              )
            )
          )
        }
        return before.map((service) => now.get(service.name) ?? service)
      })

    const finish = (lease: Lease, id: string, state: "succeeded" | "failed", reason: string, message: string) =>
      Effect.gen(function* () {
        const ended = yield* sql`
          update deployments set state = ${state}, reason = ${reason}, message = ${message}, finished_at = clock_timestamp()
          where organization_id = ${lease.key.organizationId} and id = ${id} and finished_at is null returning 1`
        if (ended.length > 0) yield* events(lease, id, [{ type: "finished", reason, message }])
        if (state === "failed") {
          // Those that the runtime has never said anything of.
          yield* sql`
            update services set status = ${JSON.stringify(neverRun(reason, message))}::jsonb
            where ${inStage(lease)} and status is null`
        }
        // Only the newest is ever applied again.
        yield* sql`
          delete from deployment_manifests m using deployments d
          where d.organization_id = m.organization_id and d.id = m.deployment_id and m.deployment_id <> ${id}
            and d.organization_id = ${lease.key.organizationId} and d.app = ${lease.key.app} and d.stage = ${lease.key.stage}
            and d.finished_at is not null`
        applied.delete(id)
        warned.delete(id)
      })

    /** Removes what the deployment does not want any more, by the inventory. */
    const prune = (lease: Lease, { id, number }: Begun, services: ReadonlyArray<Progress>) =>
      Effect.gen(function* () {
        const wanted = (yield* manifestsOf(lease, id)).map(refOf)
        const kept = services.flatMap((_) => (_.action === "delete" ? [] : [_.name]))
        const unwanted =
          kept.length === 0 ? sql`${inStage(lease)}` : sql`${inStage(lease)} and name not in ${sql.in(kept)}`
        const marked = yield* write(
          lease,
          Effect.gen(function* () {
            // A newer deployment may want again what this one does not: then nothing goes, and that one decides.
            const newer = yield* sql`select 1 from app_stages where ${inStage(lease)} and last_number > ${number}`
            if (newer.length > 0) return undefined
            yield* sql`update services set deleting = true where ${unwanted}`
            const rows = yield* sql<{ inventory: ReadonlyArray<ObjectRef> }>`
              select inventory from app_stages where ${inStage(lease)}`
            return without(rows[0]?.inventory ?? [], wanted)
          })
        )
        if (marked === undefined) return false
        if (marked.length > 0) yield* runtime.remove(namespaceKey(lease), marked)
        yield* write(
          lease,
          Effect.gen(function* () {
            const gone = yield* sql<{ name: string }>`
              delete from services where ${unwanted} and deleting returning name`
            yield* sql`
              update deployment_services set state = 'deleted', reason = 'Deleted', message = ''
              where organization_id = ${lease.key.organizationId} and deployment_id = ${id} and action = 'delete'`
            yield* setInventory(lease, wanted)
            if (marked.length > 0) {
              yield* events(lease, id, [
                ...gone.map((_) => ({ type: "service" as const, service: _.name, reason: "Deleted", message: "" })),
                {
                  type: "pruned",
                  reason: "Pruned",
                  message: `${marked.length} ${marked.length === 1 ? "object" : "objects"} that the app no longer has ${marked.length === 1 ? "is" : "are"} removed.`
                }
              ])
            }
            yield* finish(lease, id, "succeeded", "Succeeded", `Deployment ${number} is carried out.`)
          })
        )
        return true
      })

    /** Puts back what a runtime has lost of an app that was carried out before. */
    const recheck = (lease: Lease, { id }: Begun) =>
      Effect.gen(function* () {
        const rows = yield* sql<{ name: string }>`select name from services where ${inStage(lease)} and not deleting`
        const names = rows.map((_) => _.name)
        const observed = yield* statuses(lease, names)
        yield* transaction(recordStatuses(observed))
        if (observed.length === names.length) return
        yield* Effect.logWarning("services are missing in the runtime, they are applied again").pipe(
          Effect.annotateLogs({ app: lease.key.app, stage: lease.key.stage })
        )
        yield* applyAll(lease, yield* manifestsOf(lease, id))
      })

    const advance = (lease: Lease, begun: Begun) =>
      Effect.gen(function* () {
        if (!applied.has(begun.id)) {
          yield* apply(lease, begun)
          applied.add(begun.id)
          const told = yield* sql`
            select 1 from deployment_events
            where organization_id = ${lease.key.organizationId} and deployment_id = ${begun.id} and type = 'applied'`
          if (told.length === 0) {
            yield* write(
              lease,
              events(lease, begun.id, [{ type: "applied", reason: "Applied", message: "The runtime has taken it." }])
            )
          }
        }
        const services = yield* follow(lease, begun)
        const wanted = services.filter((_) => _.action !== "delete")
        if (wanted.some((_) => _.state === "pending")) {
          return {
            _tag: "retry",
            afterMs: Math.max(10, Math.min(resyncMs, begun.remaining_ms)),
            failed: false
          } as const
        }
        const failure = failureOf(wanted)
        if (failure !== "") yield* write(lease, finish(lease, begun.id, "failed", "ServiceFailed", failure))
        else if (!(yield* prune(lease, begun, services))) return again({ afterMs: 0, failed: false })
        return done
      })

    /** A passing fault: told once, and tried again until the deadline. */
    const postpone = (lease: Lease, begun: Begun, reason: string, message: string) =>
      Effect.gen(function* () {
        if (begun.overdue) {
          yield* write(lease, finish(lease, begun.id, "failed", reason, message))
          return done
        }
        if (warned.get(begun.id) !== message) {
          warned.set(begun.id, message)
          yield* write(lease, events(lease, begun.id, [{ type: "warning", reason, message }]))
        }
        return again({ afterMs: 0, failed: true })
      })

    const pass = (lease: Lease) =>
      Effect.gen(function* () {
        const begun = yield* begin(lease)
        if (begun === undefined) return done
        if (begun.finished) {
          return yield* recheck(lease, begun).pipe(
            Effect.as(done),
            Effect.catchTag("RuntimeError", (error) =>
              Effect.as(
                Effect.logWarning("a settled app cannot be looked at", error.message),
                error.reason === "refused" ? done : again({ afterMs: resyncMs, failed: true })
              )
            )
          )
        }
        return yield* advance(lease, begun).pipe(
          Effect.catchTag("RuntimeError", (error) =>
            error.reason === "refused"
              ? Effect.as(write(lease, finish(lease, begun.id, "failed", "Refused", error.message)), done)
              : postpone(lease, begun, "RuntimeUnavailable", error.message)
          ),
          Effect.catchAllDefect((defect) =>
            Effect.andThen(
              Effect.logError("a deployment cannot be carried out", defect),
              postpone(lease, begun, "InternalError", "The server made a mistake; its log says which. It tries again.")
            )
          )
        )
      })

    return (lease: Lease): Effect.Effect<Outcome, SqlError | LeaseLost> =>
      pass(lease).pipe(Effect.provideService(SqlClient, sql), Effect.withSpan("reconcile"))
  })
