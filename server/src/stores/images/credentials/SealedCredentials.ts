import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { OrganizationId, RegistryList } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, type Redacted, Schema } from "effect"
import { selectPage } from "../../../base/database/paging.ts"
import { inTransaction, passingOnly } from "../../../base/database/sqlErrors.ts"
import { DataKeys, type Place } from "../../../base/keys/DataKeys.ts"
import type { MasterKeyError } from "../../../base/keys/MasterKey.ts"
import { databaseWords } from "../../../base/postgres/DatabaseError.ts"
import { canonicalHost } from "../../../base/words/imageName.ts"
import { Audit } from "../../../tenancy/audit/Audit.ts"
import { publicDigest } from "../../../tenancy/audit/publicDigest.ts"
import { reseal, type SealedTable } from "../../secrets/resealing.ts"
import { open, SealedRow, seal } from "../../secrets/sealing.ts"
import { CredentialsError, type RegistryCredentialInfo, RegistryCredentials } from "./RegistryCredentials.ts"

/** Includes the user's name, because a password must not be sent with another one. */
const placeOf = (organizationId: OrganizationId, host: string, username: string): Place => [
  "registry",
  organizationId,
  host,
  username
]

const Info = Schema.Struct({ host: Schema.String, username: Schema.String, updated_at: Schema.DateFromSelf })
const decodeInfos = (rows: unknown): ReadonlyArray<RegistryCredentialInfo> =>
  Schema.decodeUnknownSync(Schema.Array(Info))(rows).map(({ host, updated_at, username }) => ({
    host,
    username,
    updatedAt: updated_at
  }))
const sorts = { host: [[`host collate "C"`, "text"]] } as const

const Credential = Schema.Struct({
  ...SealedRow.fields,
  organization_id: OrganizationId,
  host: Schema.String,
  username: Schema.String
})
const decodeCredentials = Schema.decodeUnknownSync(Schema.Array(Credential))
const registryCredentials: SealedTable<typeof Credential.Type, typeof Credential.Encoded> = {
  table: "registry_credentials",
  row: Credential,
  organizationOf: (each) => each.organization_id,
  placeOf: (each) => placeOf(each.organization_id, each.host, each.username)
}

const failed = (error: SqlError | MasterKeyError) =>
  new CredentialsError({
    message:
      error._tag === "MasterKeyError"
        ? error.message
        : `The credentials for registries are unreachable. ${databaseWords(error)}`
  })

/** Turns temporary failures into an error for the client. A bug of ours isn't one of them. */
const orFailed = <A, R>(effect: Effect.Effect<A, SqlError | MasterKeyError, R>) =>
  Effect.mapError(passingOnly(effect), failed)

const infoOf = (sql: SqlClient, organizationId: OrganizationId, host: string) =>
  Effect.map(
    sql`
      select host, username, updated_at from registry_credentials
      where organization_id = ${organizationId} and host = ${host} for update`,
    (rows) => decodeInfos(rows)[0]
  )

/** Appends the entry of a change to the audit log, as the last step of the transaction that makes it. */
const audited = (
  audit: typeof Audit.Service,
  organizationId: OrganizationId,
  host: string,
  before: RegistryCredentialInfo | undefined,
  after: RegistryCredentialInfo | undefined
) =>
  audit.append({
    action: after === undefined ? "registries.logout" : "registries.login",
    outcome: "succeeded",
    status: after === undefined ? 204 : 200,
    subject: `registry ${host} as ${(after ?? before)?.username ?? "nobody"}`.slice(0, 300),
    organizationId,
    before: before === undefined ? undefined : publicDigest(before),
    after: after === undefined ? undefined : publicDigest(after)
  })

const setter = (sql: SqlClient, audit: typeof Audit.Service, keys: DataKeys["Type"]) =>
  Effect.fn("RegistryCredentials.set")(function* (
    organizationId: OrganizationId,
    registry: string,
    username: string,
    password: Redacted.Redacted
  ) {
    const host = canonicalHost(registry)
    const sealed = yield* seal(organizationId, placeOf(organizationId, host, username), password).pipe(
      Effect.provideService(DataKeys, keys),
      Effect.mapError(failed)
    )
    const write = Effect.gen(function* () {
      const before = yield* infoOf(sql, organizationId, host)
      const rows = yield* sql`
        insert into registry_credentials ${sql.insert({ organization_id: organizationId, host, username, ...sealed })}
        on conflict (organization_id, host) do update
          set username = excluded.username, key_id = excluded.key_id, nonce = excluded.nonce,
            sealed = excluded.sealed, updated_at = now()
        returning host, username, updated_at`
      const info = decodeInfos(rows)[0]
      if (info === undefined) return yield* Effect.dieMessage("an upsert returned no row")
      yield* audited(audit, organizationId, host, before, info)
      return info
    })
    return yield* inTransaction(sql, write).pipe(orFailed)
  })

const revealer = (sql: SqlClient, keys: DataKeys["Type"], dataDir: string) =>
  Effect.fn("RegistryCredentials.reveal")(function* (organizationId: OrganizationId, registry: string) {
    const host = canonicalHost(registry)
    const rows = yield* sql`
      select organization_id, host, username, key_id, nonce, sealed from registry_credentials
      where organization_id = ${organizationId} and host = ${host}`.pipe(orFailed)
    const row = decodeCredentials(rows)[0]
    if (row === undefined) return Option.none()
    const password = yield* open(dataDir, organizationId, registryCredentials.placeOf(row), row).pipe(
      Effect.provideService(DataKeys, keys),
      Effect.mapError((error) => {
        if (error.reason === "unreachable") return failed(error)
        const why = error.reason === "wrong" ? "They were changed in the database." : error.message
        return new CredentialsError({
          message: `The credentials for ${host} don't open. ${why} Run \`maxcloud registries login ${host}\` again.`
        })
      })
    )
    return Option.map(password, (found) => ({ username: row.username, password: found }))
  })

/**
 * Credentials in the database, sealed with the data keys of their organizations. `dataDir`: has the key that the first
 * versions sealed with.
 */
export const layer = ({ dataDir }: { readonly dataDir: string }) =>
  Layer.effect(
    RegistryCredentials,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const keys = yield* DataKeys
      const audit = yield* Audit
      yield* reseal(dataDir, registryCredentials).pipe(passingOnly, Effect.catchTag("SqlError", failed))

      const set = setter(sql, audit, keys)
      const list = Effect.fn("RegistryCredentials.list")((organizationId: OrganizationId) =>
        sql`
          select host, username, updated_at from registry_credentials
          where organization_id = ${organizationId} order by host collate "C"`.pipe(Effect.map(decodeInfos), orFailed)
      )

      const page = Effect.fn("RegistryCredentials.page")(
        (organizationId: OrganizationId, paging: ReturnType<typeof RegistryList.pagingOf>) =>
          selectPage(
            RegistryList,
            sorts,
            paging,
            ({ isAfter, key, order }) => sql`
              select host, username, updated_at, ${key} from registry_credentials
              where organization_id = ${organizationId} and ${isAfter} ${order}`,
            decodeInfos
          ).pipe(
            Effect.provideService(SqlClient, sql),
            passingOnly,
            Effect.catchTag("SqlError", (error) => Effect.fail(failed(error)))
          )
      )

      const remove = Effect.fn("RegistryCredentials.remove")((organizationId: OrganizationId, registry: string) => {
        const host = canonicalHost(registry)
        const write = Effect.gen(function* () {
          const before = yield* infoOf(sql, organizationId, host)
          if (before === undefined) return false
          yield* sql`delete from registry_credentials where organization_id = ${organizationId} and host = ${host}`
          yield* audited(audit, organizationId, host, before, undefined)
          return true
        })
        return inTransaction(sql, write).pipe(orFailed)
      })

      const reveal = revealer(sql, keys, dataDir)
      return { set, list, page, remove, reveal }
    })
  )
