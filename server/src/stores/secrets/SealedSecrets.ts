import { createHash } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { SecretName } from "@maxcloud/config-schema"
import type { SecretInfo } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, type Redacted, Schema } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { passingOnly, transaction } from "../../base/database/sqlErrors.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import { databaseWords } from "../../base/postgres/DatabaseError.ts"
import { CurrentCaller } from "../../tenancy/access/Caller.ts"
import { Audit, type Happening } from "../../tenancy/audit/Audit.ts"
import { reseal } from "./resealing.ts"
import { type SecretScope, Secrets, SecretsError } from "./Secrets.ts"
import { open, SealedRow, seal } from "./sealing.ts"
import { decodeInfos, decodeVersions, holders, placeOf, secretVersions, unheld } from "./secretRows.ts"

const decodeSealed = Schema.decodeUnknownSync(Schema.Array(SealedRow))
const decodePeople = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String, email: Schema.String })))

const failed = (cause: SqlError | MasterKeyError) =>
  new SecretsError({
    message: cause._tag === "MasterKeyError" ? cause.message : `The secrets are unreachable. ${databaseWords(cause)}`,
    cause
  })

/** Tells versions apart in the audit log: of the name and the number, never of the value. */
const digestOf = ({ name, version }: { readonly name: string; readonly version: number }) =>
  createHash("sha256").update(`${name} ${version}`).digest("hex")

/** Secrets in the database, sealed with the data keys of their organizations. `dataDir`: of the key that the first versions sealed with. */
export const layer = ({ dataDir }: { readonly dataDir: string }) =>
  Layer.effect(
    Secrets,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      const keys = yield* DataKeys
      yield* reseal(dataDir, secretVersions).pipe(passingOnly, Effect.catchTag("SqlError", failed))

      const within = (scope: SecretScope) =>
        sql`organization_id = ${scope.organizationId} and app = ${scope.app} and stage = ${scope.stage}`

      const forget = (scope: SecretScope, names: ReadonlyArray<SecretName>) =>
        sql`delete from secret_versions v where ${within(scope)} and ${sql.in("name", names)} and ${unheld(sql)}`

      /** Those of them that are set. */
      const find = (scope: SecretScope, names: ReadonlyArray<SecretName>) =>
        Effect.map(
          sql`select name, version, updated_at from secrets where ${within(scope)} and ${sql.in("name", names)} and is_set`,
          (rows) => new Map(decodeInfos(rows).map((_) => [_.name, _]))
        )

      const happening = (
        action: string,
        scope: SecretScope,
        name: SecretName,
        before: SecretInfo | undefined,
        after: SecretInfo | undefined
      ): Happening => ({
        action,
        outcome: "succeeded",
        status: after === undefined ? 204 : 200,
        subject: `secret ${scope.app}/${scope.stage}/${name}`,
        organizationId: scope.organizationId,
        before: before === undefined ? undefined : digestOf(before),
        after: after === undefined ? undefined : digestOf(after)
      })

      /**
       * New versions of secrets, in the transaction that is open: by as many statements as for one, since the transaction holds a connection,
       * and at its end the organization's audit log. In the order of names: of two at once, the other one waits, and neither locks the other
       * out.
       */
      const add = (action: string, scope: SecretScope, values: ReadonlyMap<SecretName, Redacted.Redacted>) =>
        Effect.gen(function* () {
          const caller = yield* CurrentCaller
          const names = [...values.keys()].sort()
          const before = yield* find(scope, names)
          const rows = yield* sql`
            insert into secrets ${sql.insert(
              names.map((name) => ({
                organization_id: scope.organizationId,
                app: scope.app,
                stage: scope.stage,
                name,
                version: 1
              }))
            )}
            on conflict (organization_id, app, stage, name)
              do update set version = secrets.version + 1, is_set = true, updated_at = now()
            returning name, version, updated_at`
          const infos = decodeInfos(rows)
          const versions = yield* Effect.forEach(infos, ({ name, version }) =>
            Effect.gen(function* () {
              const value = values.get(name)
              if (value === undefined) return yield* Effect.dieMessage("an upsert returned another row")
              const sealed = yield* seal(scope.organizationId, placeOf(scope, name, version), value)
              return {
                organization_id: scope.organizationId,
                app: scope.app,
                stage: scope.stage,
                name,
                version,
                created_by: caller?.person?.id ?? null,
                ...sealed
              }
            })
          )
          yield* sql`insert into secret_versions ${sql.insert(versions)}`
          yield* forget(scope, names)
          const [first, ...more] = infos.map((_) => happening(action, scope, _.name, before.get(_.name), _))
          if (first !== undefined) yield* audit.append(first, ...more)
          return infos
        })

      const addOne = (action: string, scope: SecretScope, name: SecretName, value: Redacted.Redacted) =>
        Effect.flatMap(add(action, scope, new Map([[name, value]])), ([info]) =>
          info === undefined ? Effect.dieMessage("an upsert returned no row") : Effect.succeed(info)
        )

      const inTransaction = <A, R>(effect: Effect.Effect<A, SecretsError | SqlError | MasterKeyError, R>) =>
        transaction(effect).pipe(
          passingOnly,
          Effect.mapError((error) => (error._tag === "SecretsError" ? error : failed(error))),
          Effect.provideService(SqlClient, sql),
          Effect.provideService(DataKeys, keys)
        )

      const set = Effect.fn("Secrets.set")(
        (scope: SecretScope, name: SecretName, value: Redacted.Redacted) =>
          addOne("apps.setSecret", scope, name, value),
        (_) => inTransaction(_)
      )

      const importAll = Effect.fn("Secrets.importAll")(
        (
          scope: SecretScope,
          secrets: ReadonlyArray<{ readonly name: SecretName; readonly value: Redacted.Redacted }>
        ) => add("apps.importSecrets", scope, new Map(secrets.map((_) => [_.name, _.value]))),
        (_) => inTransaction(_)
      )

      const unset = Effect.fn("Secrets.unset")(
        function* (scope: SecretScope, name: SecretName) {
          const before = (yield* find(scope, [name])).get(name)
          const rows = yield* sql`
            update secrets set is_set = false, updated_at = now()
            where ${within(scope)} and name = ${name} and is_set returning 1`
          yield* forget(scope, [name])
          if (rows.length > 0) yield* audit.append(happening("apps.unsetSecret", scope, name, before, undefined))
          return rows.length > 0
        },
        (_) => inTransaction(_)
      )

      const list = Effect.fn("Secrets.list")((scope: SecretScope) =>
        sql`select name, version, updated_at from secrets where ${within(scope)} and is_set order by name`.pipe(
          Effect.map(decodeInfos),
          passingOnly,
          Effect.mapError(failed)
        )
      )

      const versions = Effect.fn("Secrets.versions")(
        function* (scope: SecretScope, name: SecretName) {
          const rows = yield* sql`
          select v.version, v.created_at, v.created_by, s.is_set and s.version = v.version as current,
            array(${holders(sql)} order by d.number) as deployments
          from secret_versions v join secrets s using (organization_id, app, stage, name)
          where ${within(scope)} and name = ${name} order by v.version desc`
          const found = decodeVersions(rows)
          const ids = [...new Set(found.flatMap((_) => _.createdBy ?? []))]
          if (ids.length === 0) return found
          const people = decodePeople(yield* asServer(sql`select id, email from users where ${sql.in("id", ids)}`))
          const emails = new Map(people.map((_) => [_.id, _.email]))
          return found.map((_) => ({ ..._, createdBy: emails.get(_.createdBy ?? "") ?? null }))
        },
        passingOnly,
        Effect.mapError(failed)
      )

      const read = (scope: SecretScope, name: SecretName, version: number) =>
        Effect.gen(function* () {
          const rows = yield* sql`
            select key_id, nonce, sealed from secret_versions
            where ${within(scope)} and name = ${name} and version = ${version}`
          const row = decodeSealed(rows)[0]
          if (row === undefined) return Option.none<Redacted.Redacted>()
          return yield* open(dataDir, scope.organizationId, placeOf(scope, name, version), row).pipe(
            Effect.provideService(DataKeys, keys),
            Effect.mapError((cause) => {
              if (cause.reason === "unreachable") return failed(cause)
              const why = cause.reason === "wrong" ? "It was changed in the database: set it again." : cause.message
              return new SecretsError({
                message: `The secret ${name}, version ${version}, does not open. ${why}`,
                cause
              })
            })
          )
        })

      const rollback = Effect.fn("Secrets.rollback")(
        function* (scope: SecretScope, name: SecretName, version: number) {
          const value = yield* read(scope, name, version)
          if (Option.isNone(value)) return Option.none()
          return Option.some(yield* addOne("apps.rollbackSecret", scope, name, value.value))
        },
        (_) => inTransaction(_)
      )

      const reveal = Effect.fn("Secrets.reveal")((scope: SecretScope, name: SecretName, version: number) =>
        read(scope, name, version).pipe(passingOnly, Effect.catchTag("SqlError", failed))
      )

      return { importAll, list, reveal, rollback, set, unset, versions }
    })
  )
