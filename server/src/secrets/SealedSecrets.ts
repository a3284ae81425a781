import { SqlClient } from "@effect/sql/SqlClient"
import type { SecretName } from "@maxcloud/config-schema"
import { SecretInfo } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { transaction } from "../database/sqlErrors.ts"
import { type SecretScope, Secrets, SecretsError } from "./Secrets.ts"
import { open, type Place, Sealed, seal, sealingKey } from "./sealing.ts"

/** Bound to its place: a sealed value that is moved to another organization, app, stage, name or version does not open. */
const placeOf = (scope: SecretScope, name: string, version: number): Place => [
  scope.organizationId,
  scope.app,
  scope.stage,
  name,
  version
]

const Info = Schema.Struct({ name: SecretInfo.fields.name, version: Schema.Int, updated_at: Schema.DateFromSelf })
const decodeInfos = (rows: unknown): ReadonlyArray<SecretInfo> =>
  Schema.decodeUnknownSync(Schema.Array(Info))(rows).map((_) => ({
    name: _.name,
    version: _.version,
    updatedAt: _.updated_at.toISOString()
  }))
const decodeSealed = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ ...Sealed.fields, key_id: Schema.String })))

const failed = (cause: { readonly message: string }) =>
  new SecretsError({ message: "The secrets cannot be reached at the moment: the database does not answer.", cause })

/** Secrets in the database, sealed (AES-256-GCM) with the key in the data folder. */
export const layer = (options: { readonly dataDir: string }) =>
  Layer.effect(
    Secrets,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const key = yield* sealingKey(options.dataDir)

      const within = (scope: SecretScope) =>
        sql`organization_id = ${scope.organizationId} and app = ${scope.app} and stage = ${scope.stage}`

      /** Forgets versions that are neither set now nor held by a deployment from the newest successful one on. */
      const forget = (scope: SecretScope, name: SecretName) => sql`
        delete from secret_versions v
        where ${within(scope)} and name = ${name}
          and not exists (
            select 1 from secrets s
            where s.organization_id = v.organization_id and s.app = v.app and s.stage = v.stage
              and s.name = v.name and s.is_set and s.version = v.version
          )
          and not exists (
            select 1 from deployments d
            where d.organization_id = v.organization_id and d.app = v.app and d.stage = v.stage
              and (d.secret_versions ->> v.name)::int = v.version
              and d.number >= coalesce((
                select max(number) from deployments l
                where l.organization_id = v.organization_id and l.app = v.app and l.stage = v.stage
                  and l.state = 'succeeded'
              ), 0)
          )`

      const set = Effect.fn("Secrets.set")(
        function* (scope: SecretScope, name: SecretName, value: Redacted.Redacted) {
          const rows = yield* sql`
            insert into secrets (organization_id, app, stage, name, version)
            values (${scope.organizationId}, ${scope.app}, ${scope.stage}, ${name}, 1)
            on conflict (organization_id, app, stage, name)
              do update set version = secrets.version + 1, is_set = true, updated_at = now()
            returning name, version, updated_at`
          const info = decodeInfos(rows)[0]
          if (info === undefined) return yield* Effect.dieMessage("an upsert returned no row")
          const { nonce, sealed } = seal(key, placeOf(scope, name, info.version), Redacted.value(value))
          yield* sql`
            insert into secret_versions (organization_id, app, stage, name, version, key_id, nonce, sealed)
            values (${scope.organizationId}, ${scope.app}, ${scope.stage}, ${name}, ${info.version}, ${key.id}, ${nonce}, ${sealed})`
          yield* forget(scope, name)
          return info
        },
        transaction,
        Effect.mapError(failed),
        Effect.provideService(SqlClient, sql)
      )

      const unset = Effect.fn("Secrets.unset")(
        function* (scope: SecretScope, name: SecretName) {
          const rows = yield* sql`
            update secrets set is_set = false, updated_at = now()
            where ${within(scope)} and name = ${name} and is_set returning 1`
          yield* forget(scope, name)
          return rows.length > 0
        },
        transaction,
        Effect.mapError(failed),
        Effect.provideService(SqlClient, sql)
      )

      const list = Effect.fn("Secrets.list")((scope: SecretScope) =>
        sql`select name, version, updated_at from secrets where ${within(scope)} and is_set order by name`.pipe(
          Effect.map(decodeInfos),
          Effect.mapError(failed)
        )
      )

      const reveal = Effect.fn("Secrets.reveal")(function* (scope: SecretScope, name: SecretName, version: number) {
        const rows = yield* sql`
          select key_id, nonce, sealed from secret_versions
          where ${within(scope)} and name = ${name} and version = ${version}`.pipe(Effect.mapError(failed))
        const row = decodeSealed(rows)[0]
        if (row === undefined) return Option.none<Redacted.Redacted>()
        return yield* Effect.try({
          try: () => Option.some(Redacted.make(open(key, placeOf(scope, name, version), row))),
          catch: () =>
            new SecretsError({
              message:
                row.key_id === key.id
                  ? `The secret ${name}, version ${version}, does not open: it was changed in the database. Set it again.`
                  : `The secret ${name}, version ${version}, was sealed by a server with another key: give all servers of this database the same secret.key in their data folders, and start them again.`
            })
        })
      })

      return { list, reveal, set, unset }
    })
  )
