import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { open, type Place, Sealed, seal, sealingKey } from "../secrets/sealing.ts"
import { canonicalHost } from "./imageName.ts"
import { CredentialsError, type RegistryCredentialInfo, RegistryCredentials } from "./RegistryCredentials.ts"

/** With the user's name: a password is not to be sent with another one. */
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
const decodeSealed = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ username: Schema.String, ...Sealed.fields }))
)

const failed = () =>
  new CredentialsError({
    message: "The credentials for registries cannot be reached at the moment: the database does not answer."
  })

/** Credentials in the database, sealed with the key of the secrets in the data folder. */
export const layer = (options: { readonly dataDir: string }) =>
  Layer.effect(
    RegistryCredentials,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const key = yield* sealingKey(options.dataDir)

      const set = Effect.fn("RegistryCredentials.set")(function* (
        organizationId: OrganizationId,
        registry: string,
        username: string,
        password: Redacted.Redacted
      ) {
        const host = canonicalHost(registry)
        const { nonce, sealed } = seal(key, placeOf(organizationId, host, username), Redacted.value(password))
        const rows = yield* sql`
          insert into registry_credentials (organization_id, host, username, key_id, nonce, sealed)
          values (${organizationId}, ${host}, ${username}, ${key.id}, ${nonce}, ${sealed})
          on conflict (organization_id, host) do update
            set username = excluded.username, key_id = excluded.key_id, nonce = excluded.nonce,
              sealed = excluded.sealed, updated_at = now()
          returning host, username, updated_at`.pipe(Effect.mapError(failed))
        const info = decodeInfos(rows)[0]
        return info === undefined ? yield* Effect.dieMessage("an upsert returned no row") : info
      })

      const list = Effect.fn("RegistryCredentials.list")((organizationId: OrganizationId) =>
        sql`
          select host, username, updated_at from registry_credentials
          where organization_id = ${organizationId} order by host collate "C"`.pipe(
          Effect.map(decodeInfos),
          Effect.mapError(failed)
        )
      )

      const remove = Effect.fn("RegistryCredentials.remove")((organizationId: OrganizationId, host: string) =>
        sql`
          delete from registry_credentials
          where organization_id = ${organizationId} and host = ${canonicalHost(host)} returning 1`.pipe(
          Effect.map((_) => _.length > 0),
          Effect.mapError(failed)
        )
      )

      const reveal = Effect.fn("RegistryCredentials.reveal")(function* (
        organizationId: OrganizationId,
        registry: string
      ) {
        const host = canonicalHost(registry)
        const rows = yield* sql`
          select username, nonce, sealed from registry_credentials
          where organization_id = ${organizationId} and host = ${host}`.pipe(Effect.mapError(failed))
        const row = decodeSealed(rows)[0]
        if (row === undefined) return Option.none()
        return yield* Effect.try({
          try: () => {
            const password = Redacted.make(open(key, placeOf(organizationId, host, row.username), row))
            return Option.some({ username: row.username, password })
          },
          catch: () =>
            new CredentialsError({
              message: `The credentials for ${host} do not open: they were changed in the database. Run \`maxcloud registries login ${host}\` again.`
            })
        })
      })

      return { set, list, remove, reveal }
    })
  )
