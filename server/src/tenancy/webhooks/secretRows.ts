import { SqlClient } from "@effect/sql/SqlClient"
import { Conflict, type OrganizationId, type WebhookId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { newId } from "../../base/database/newId.ts"
import { DataKeys, type SealedValue } from "../../base/keys/DataKeys.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import { newSecret, ownerOf, placeOf } from "./signing.ts"

/** Secrets of a webhook that sign at the same time, at most: each adds a signature to every delivery. */
export const mostSecrets = 5

const decodeSealed = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ key_id: Schema.String, sealed: Schema.Uint8ArrayFromSelf }))
)
const decodeEnds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ valid_until: Schema.DateFromSelf })))

/** Makes the webhook's current secret, in the open transaction. */
export const addSecret = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const keys = yield* DataKeys
    const secret = newSecret()
    const { bytes, keyId } = yield* keys
      .seal(ownerOf(organizationId), placeOf(id), secret)
      .pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable))
    yield* sql`
      insert into webhook_secrets (organization_id, webhook_id, id, key_id, sealed)
      values (${organizationId}, ${id}, ${newId("whs")}, ${keyId}, ${Buffer.from(bytes)})`
    return secret
  })

/** Every secret that is still valid, the newest first. */
export const validSecrets = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.map(
    Effect.flatMap(
      SqlClient,
      (sql) => sql`
        select key_id, sealed from webhook_secrets where organization_id = ${organizationId} and webhook_id = ${id}
          and (valid_until is null or valid_until > clock_timestamp()) order by id desc limit ${mostSecrets}`
    ),
    (rows): ReadonlyArray<SealedValue> =>
      decodeSealed(rows).map(({ key_id, sealed }) => ({ keyId: key_id, bytes: sealed }))
  )

/**
 * Ends the current secret after the overlap; former ones keep their own ends. Without an overlap all of them end at once, since one that
 * leaked may be any of them. The caller holds the webhook's row.
 */
export const endSecrets = (organizationId: OrganizationId, id: WebhookId, overlapSeconds: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const those = sql`organization_id = ${organizationId} and webhook_id = ${id}`
    yield* sql`
      delete from webhook_secrets where ${those} and (${overlapSeconds === 0} or valid_until <= clock_timestamp())`
    if (overlapSeconds === 0) return
    const ends = decodeEnds(
      yield* sql`
        select valid_until from webhook_secrets where ${those} and valid_until is not null order by valid_until`
    )
    const [first] = ends
    // The former ones, the current one and its successor.
    if (first !== undefined && ends.length + 2 > mostSecrets) {
      return yield* new Conflict({
        detail: `The webhook ${id} has ${ends.length + 1} valid secrets, and can't have more than ${mostSecrets}. Rotate again after ${first.valid_until.toISOString()}, when the oldest expires, or end all former secrets now: \`maxcloud webhooks rotate ${id} --overlap 0s\`.`
      })
    }
    yield* sql`
      update webhook_secrets set valid_until = clock_timestamp() + ${overlapSeconds} * interval '1 second'
      where ${those} and valid_until is null`
  })
