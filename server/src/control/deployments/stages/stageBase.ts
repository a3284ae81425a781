import { SqlClient } from "@effect/sql/SqlClient"
import { namespaceOf } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import { transaction } from "../../../base/database/sqlErrors.ts"
import type { Platform } from "../../../runtimes/port/Platform.ts"
import type { NamespaceKey } from "../../../runtimes/port/Runtime.ts"
import type { Lease, WorkQueue } from "../queue/WorkQueue.ts"
import { appendEvents, type NewEvent } from "../records/deploymentRows.ts"

const Ref = Schema.Struct({ apiVersion: Schema.String, kind: Schema.String, name: Schema.String })

const decodeFormer = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ namespace: Schema.String, inventory: Schema.Array(Ref) }))
)

/** The newest deployment of a stage, as found by a pass. */
export const Begun = Schema.Struct({
  id: Schema.String,
  number: Schema.Int,
  finished: Schema.Boolean,
  overdue: Schema.Boolean,
  remaining_ms: Schema.Number,
  force_conflicts: Schema.Boolean,
  /** It failed because another manager holds a field that it wants. */
  conflicted: Schema.Boolean,
  /** The runtime had lost everything of the stage, and not all of it is restored yet. */
  lost: Schema.Boolean,
  inventory: Schema.Array(Ref)
})
export type Begun = typeof Begun.Type

/** Names and writes the rows of a lease's app and stage. The lease fences every write. */
export const makeStageBase = (sql: SqlClient, queue: WorkQueue, platform: Platform["Type"]) => {
  const namespaceKeyOf = ({ key }: Lease): NamespaceKey => ({
    organizationId: key.organizationId,
    organization: key.organization,
    app: key.app,
    stage: key.stage,
    namespace: namespaceOf({ ...key, namespacePrefix: platform.namespacePrefix })
  })

  const inStage = ({ key }: Lease) =>
    sql`organization_id = ${key.organizationId} and app = ${key.app} and stage = ${key.stage}`

  /** Writes that need the lease: with the app's row locked, as `accept` locks it. */
  const write = <A, E, R>(lease: Lease, effect: Effect.Effect<A, E, R>) =>
    transaction(
      sql`select 1 from app_stages where ${inStage(lease)} for update`.pipe(
        Effect.andThen(queue.fence(lease)),
        Effect.andThen(effect)
      )
    ).pipe(Effect.provideService(SqlClient, sql))

  const events = (lease: Lease, id: string, all: ReadonlyArray<NewEvent>) =>
    appendEvents(lease.key.organizationId, id, all).pipe(Effect.provideService(SqlClient, sql))

  /**
   * The namespace to which an earlier version applied this stage's objects, and these objects; undefined once they are removed.
   */
  const formerNamespace = (lease: Lease) =>
    Effect.map(
      sql`
        select ${platform.namespacePrefix} || former_namespace as namespace, inventory from app_stages
        where ${inStage(lease)} and former_namespace is not null`,
      (rows) => decodeFormer(rows)[0]
    )

  const forgetFormerNamespace = (lease: Lease) =>
    sql`update app_stages set former_namespace = null where ${inStage(lease)}`

  return { sql, inStage, namespaceKeyOf, write, events, formerNamespace, forgetFormerNamespace }
}

export type StageBase = ReturnType<typeof makeStageBase>
