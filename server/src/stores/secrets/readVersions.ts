import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { SecretName } from "@maxcloud/config-schema"
import { SecretList } from "@maxcloud/sdk/api"
import { Effect, Option, type Redacted, Schema } from "effect"
import { selectPage } from "../../base/database/paging.ts"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import { databaseWords } from "../../base/postgres/DatabaseError.ts"
import { authorColumn, withEmails } from "../../tenancy/access/authors.ts"
import { type SecretScope, SecretsError } from "./Secrets.ts"
import { open, SealedRow } from "./sealing.ts"
import { decodeInfos, decodeVersions, holders, placeOf, within } from "./secretRows.ts"

const decodeSealed = Schema.decodeUnknownSync(Schema.Array(SealedRow))

export const secretsAway = (cause: SqlError | MasterKeyError) =>
  new SecretsError({
    message: cause._tag === "MasterKeyError" ? cause.message : `The secrets are unreachable. ${databaseWords(cause)}`,
    cause
  })

/** Those that are set. */
export const listSecrets = (scope: SecretScope) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    return decodeInfos(
      yield* sql`select name, version, updated_at from secrets where ${within(sql, scope)} and is_set order by name`
    )
  })

const sorts = {
  name: [["name", "text"]],
  updatedAt: [
    ["updated_at", "time"],
    ["name", "text"]
  ]
} as const

/** A page of those that are set. */
export const pageOfSecrets = (scope: SecretScope, paging: ReturnType<typeof SecretList.pagingOf>) =>
  Effect.flatMap(SqlClient, (sql) =>
    selectPage(
      SecretList,
      sorts,
      paging,
      ({ isAfter, key, order }) => sql`
        select name, version, updated_at, ${key} from secrets
        where ${within(sql, scope)} and is_set and ${isAfter} ${order}`,
      decodeInfos
    )
  )

/** A secret's stored versions, with their authors and the deployments that use them. */
export const listVersions = (scope: SecretScope, name: SecretName) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql`
      select v.version, v.created_at, ${authorColumn(sql, "v")}, s.is_set and s.version = v.version as current,
        array(${holders(sql)} order by d.number) as deployments
      from secret_versions v join secrets s using (organization_id, app, stage, name)
      where ${within(sql, scope)} and name = ${name} order by v.version desc`
    return yield* withEmails(decodeVersions(rows))
  })

/** A version's value, if it's stored. */
export const readVersion = (dataDir: string, scope: SecretScope, name: SecretName, version: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql`
      select key_id, nonce, sealed from secret_versions
      where ${within(sql, scope)} and name = ${name} and version = ${version}`
    const row = decodeSealed(rows)[0]
    if (row === undefined) return Option.none<Redacted.Redacted>()
    return yield* open(dataDir, scope.organizationId, placeOf(scope, name, version), row).pipe(
      Effect.mapError((cause) => {
        if (cause.reason === "unreachable") return secretsAway(cause)
        const why = cause.reason === "wrong" ? "It was changed in the database. Set it again." : cause.message
        return new SecretsError({
          message: `The secret ${name}, version ${version}, doesn't open. ${why}`,
          cause
        })
      })
    )
  })
