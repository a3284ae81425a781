import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import { passingOnly } from "../../../base/database/sqlErrors.ts"
import { storableJson } from "../../../base/database/storable.ts"
import { databaseWords } from "../../../base/postgres/DatabaseError.ts"
import { RuntimeError } from "../../port/Runtime.ts"
import { type LocalObject, LocalObjects } from "./LocalObjects.ts"

const Row = Schema.Struct({
  organizationId: OrganizationId,
  namespace: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  generation: Schema.Int,
  manifest: Schema.Struct(
    {
      apiVersion: Schema.String,
      kind: Schema.String,
      metadata: Schema.Struct({
        name: Schema.String,
        namespace: Schema.optionalWith(Schema.String, { exact: true }),
        labels: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { exact: true }),
        annotations: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { exact: true })
      })
    },
    { key: Schema.String, value: Schema.Unknown }
  ),
  status: Schema.Unknown
})

const decodeRows = Schema.decodeUnknown(Schema.Array(Row))

/** Objects per statement: limits one statement's parameter to some megabytes. */
const batchSize = 500

const inBatches = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / batchSize) }, (_, i) => all.slice(i * batchSize, (i + 1) * batchSize))

const keyOf = (object: Pick<LocalObject, "kind" | "name" | "namespace" | "organizationId">) => ({
  organization_id: object.organizationId,
  namespace: object.namespace,
  kind: object.kind,
  name: object.name
})

const unavailable = (cause: SqlError) =>
  new RuntimeError({
    reason: "unavailable",
    message: `Couldn't store the runtime's objects. ${databaseWords(cause)}`,
    cause
  })

const putBatch = (sql: SqlClient, objects: ReadonlyArray<LocalObject>) => {
  // One statement can't change a row twice: the last change counts.
  const rows = new Map(
    objects.map((object) => {
      const key = keyOf(object)
      return [
        JSON.stringify(key),
        { ...key, generation: object.generation, manifest: object.manifest, status: object.status ?? {} }
      ]
    })
  )
  return sql`
    insert into runtime_objects (organization_id, namespace, kind, name, generation, manifest, status)
    select organization_id, namespace, kind, name, generation, manifest, status
    from jsonb_to_recordset(${storableJson([...rows.values()])}::jsonb) as _ (
      organization_id text, namespace text, kind text, name text, generation integer, manifest jsonb, status jsonb
    )
    on conflict (organization_id, namespace, kind, name) do update
    set generation = excluded.generation, manifest = excluded.manifest, status = excluded.status
  `
}

const removeBatch = (sql: SqlClient, objects: ReadonlyArray<Parameters<typeof keyOf>[0]>) => sql`
  delete from runtime_objects using jsonb_to_recordset(${storableJson(objects.map(keyOf))}::jsonb) as gone (
    organization_id text, namespace text, kind text, name text
  )
  where runtime_objects.organization_id = gone.organization_id and runtime_objects.namespace = gone.namespace
    and runtime_objects.kind = gone.kind and runtime_objects.name = gone.name
`

const make = Effect.gen(function* () {
  const sql = yield* SqlClient

  const inTransaction = <A>(
    all: ReadonlyArray<A>,
    write: (sql: SqlClient, batch: ReadonlyArray<A>) => Effect.Effect<unknown, SqlError>
  ) =>
    all.length === 0
      ? Effect.void
      : sql
          .withTransaction(Effect.forEach(inBatches(all), (batch) => write(sql, batch), { discard: true }))
          .pipe(passingOnly, Effect.mapError(unavailable))

  /** The objects after this one, in order. */
  const page = (after: Parameters<typeof keyOf>[0] | undefined) =>
    sql`
      select organization_id as "organizationId", namespace, kind, name, generation, manifest, status
      from runtime_objects
      where ${after === undefined ? sql`true` : sql`(organization_id, namespace, kind, name) > (${after.organizationId}, ${after.namespace}, ${after.kind}, ${after.name})`}
      order by organization_id, namespace, kind, name limit ${batchSize}
    `.pipe(
      passingOnly,
      Effect.mapError(unavailable),
      Effect.flatMap((rows) =>
        Effect.mapError(
          decodeRows(rows),
          (cause) =>
            new RuntimeError({
              reason: "refused",
              message:
                "This version can't read the table runtime_objects, so the server may have been downgraded. Start the newer version again.",
              cause
            })
        )
      )
    )

  return LocalObjects.of({
    // Page by page, so that starting a large platform doesn't need its memory twice.
    all: Effect.gen(function* () {
      const all: Array<LocalObject> = []
      let last: LocalObject | undefined
      do {
        const rows: ReadonlyArray<LocalObject> = yield* page(last)
        all.push(...rows)
        last = rows.length < batchSize ? undefined : rows.at(-1)
      } while (last !== undefined)
      return all
    }).pipe(Effect.withSpan("LocalObjects.all")),
    put: Effect.fn("LocalObjects.put")((objects) => inTransaction(objects, putBatch)),
    remove: Effect.fn("LocalObjects.remove")((objects) => inTransaction(objects, removeBatch))
  })
})

/** The objects in Postgres. A batch is written completely or not at all. */
export const layer = Layer.effect(LocalObjects, make)
