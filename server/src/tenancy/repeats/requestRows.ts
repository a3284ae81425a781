import { randomUUID } from "node:crypto"
import type { SqlClient } from "@effect/sql/SqlClient"
import { RequestInProgress } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { isDue } from "../../base/database/isDue.ts"
import type { HolderName, LeaseHolder } from "../../base/database/LeaseHolder.ts"
import { asOrganization } from "../../base/database/RowScope.ts"
import type { SealedValue } from "../../base/keys/DataKeys.ts"
import { monotonicMillis } from "../../base/node/monotonic.ts"
import { keptHours, keptKeys, type RequestKey } from "./KeptAnswers.ts"

/** A request that this server carries out. `attempt` distinguishes it from others with the same key. */
export interface Claim {
  readonly request: RequestKey
  readonly attempt: string
}
export interface Taken extends Claim {
  /** `monotonicMillis` before it was taken. */
  readonly since: number
  readonly holder: HolderName | undefined
}

const Bytes = Schema.NullOr(Schema.Uint8ArrayFromSelf)
const decodeRows = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      digest_by: Schema.String,
      digest: Schema.Uint8ArrayFromSelf,
      attempt: Schema.String,
      made: Schema.NullOr(Schema.String),
      done: Schema.Boolean,
      held: Schema.Boolean,
      expired: Schema.Boolean,
      answer_by: Schema.NullOr(Schema.String),
      answer: Bytes
    })
  )
)
export type RequestRow = ReturnType<typeof decodeRows>[number]

/** Another server carries the request out, or took it over after this one seemed dead. */
export const inProgress = () =>
  new RequestInProgress({
    detail: "The same request with this idempotency key is in progress. Send it again in a moment to get its answer.",
    retryAfterSeconds: 1
  })

const windowOf = (sql: SqlClient) => sql`${keptHours} * interval '1 hour'`

/** The statements about one request. `leaseMs`: how long a silent server keeps it. */
export const requestRows = (sql: SqlClient, leaseMs: number, { current }: Pick<LeaseHolder["Type"], "current">) => {
  const of = ({ caller, key, operation, organizationId }: RequestKey) =>
    sql`organization_id = ${organizationId} and caller = ${caller} and operation = ${operation} and key = ${key}`
  const held = ({ attempt, request }: Claim) => sql`${of(request)} and attempt = ${attempt}`
  const lease = sql`clock_timestamp() + ${leaseMs}::float8 * interval '1 millisecond'`
  const window = windowOf(sql)

  return {
    /** Undefined if a request with this key exists. */
    insert: (request: RequestKey, digest: SealedValue) =>
      Effect.gen(function* () {
        const { caller, key, operation, organizationId } = request
        const attempt = randomUUID()
        const since = yield* monotonicMillis
        const holder = current()
        const mine = yield* sql`
          insert into keyed_requests (organization_id, caller, operation, key, digest_by, digest, attempt, lease_until,
            lease_holder)
          values (${organizationId}, ${caller}, ${operation}, ${key}, ${digest.keyId}, ${digest.bytes}, ${attempt}, ${lease},
            ${holder?.id ?? null})
          on conflict do nothing returning 1`
        if (mine.length === 0) return undefined
        yield* sql`
          delete from keyed_requests where organization_id = ${organizationId} and lease_until is null and created_at <= (
            select created_at from keyed_requests where organization_id = ${organizationId}
            order by created_at desc offset ${keptKeys} limit 1)`
        return { request, attempt, since, holder } satisfies Taken
      }),

    find: (request: RequestKey) =>
      Effect.map(
        sql`
          select digest_by, digest, attempt, made, done_at is not null as done, answer_by, answer,
            lease_until is not null and not ${isDue(sql, sql`lease_until`, leaseMs)} as held,
            created_at < clock_timestamp() - ${window} as expired
          from keyed_requests where ${of(request)}`,
        (rows) => decodeRows(rows)[0]
      ),

    /** Takes a request over from a server whose lease has expired; undefined if somebody was faster. */
    takeOver: (request: RequestKey, former: string) =>
      Effect.gen(function* () {
        const attempt = randomUUID()
        const since = yield* monotonicMillis
        const holder = current()
        const mine = yield* sql`
          update keyed_requests set attempt = ${attempt}, lease_until = ${lease}, lease_holder = ${holder?.id ?? null}
          where ${held({ request, attempt: former })} and answer is null
            and (lease_until is null or ${isDue(sql, sql`lease_until`, leaseMs)})
          returning 1`
        return mine.length === 0 ? undefined : ({ request, attempt, since, holder } satisfies Taken)
      }),

    /** False: another server has taken the request over. */
    renew: (claim: Claim) =>
      Effect.map(
        sql`
          update keyed_requests set lease_until = ${lease} where ${held(claim)} and lease_until is not null returning 1`,
        (rows) => rows.length > 0
      ),

    /** In the transaction of the request's effects. Waits for no other request: only this one locks the row. */
    note: (claim: Claim, made: string | undefined) =>
      Effect.gen(function* () {
        const noted = yield* sql`
          update keyed_requests set done_at = coalesce(done_at, clock_timestamp()), made = coalesce(${made ?? null}, made)
          where ${held(claim)} returning 1`
        if (noted.length === 0) return yield* Effect.die(inProgress())
      }).pipe(asOrganization(claim.request.organizationId)),

    keep: (claim: Claim, answer: SealedValue | undefined) =>
      sql`
        update keyed_requests set done_at = coalesce(done_at, clock_timestamp()), lease_until = null, lease_holder = null,
          answer_by = ${answer?.keyId ?? null}, answer = ${answer?.bytes ?? null}
        where ${held(claim)}`,

    /** If nothing was done, the key is free. Otherwise the answer is lost, and nobody holds the request any more. */
    release: (claim: Claim) =>
      Effect.andThen(
        sql`delete from keyed_requests where ${held(claim)} and done_at is null`,
        sql`update keyed_requests set lease_until = null, lease_holder = null where ${held(claim)} and answer is null`
      ),

    forget: (request: RequestKey, { attempt }: RequestRow) =>
      sql`delete from keyed_requests where ${held({ request, attempt })}`
  }
}

/** Forgets the requests of all organizations whose window is over. */
export const sweepRequests = (sql: SqlClient) => sql`
  delete from keyed_requests
  where created_at < clock_timestamp() - ${windowOf(sql)} and (lease_until is null or ${isDue(sql, sql`lease_until`, 0)})`
