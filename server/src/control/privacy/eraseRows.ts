import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationId, UserId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { recordEvents } from "../../tenancy/events/recordEvents.ts"
import { erasedTables, keyTables } from "./organizationTables.ts"

const decodeCount = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ count: Schema.Int })))
const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: UserId })))
const decodeOrphans = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))

/** Deletes up to `limit` rows of the organization; returns how many. */
export const eraseSomeRows = (table: string, organizationId: string, limit: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql`
      with gone as (
        delete from ${sql(table)} where ctid in (
          select ctid from ${sql(table)} where organization_id = ${organizationId} limit ${limit}
        ) returning 1
      ) select count(*)::int as count from gone`
    return decodeCount(rows)[0]?.count ?? 0
  })

/**
 * Deletes every row of an organization, its data keys and the organization itself, in the open transaction; people stay. For the
 * rows left after deleting in batches, and for a restored backup.
 */
export const eraseOrganizationRows = (organizationId: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`select 1 from organizations where id = ${organizationId} for update`
    for (const table of [...(yield* erasedTables), ...keyTables]) {
      yield* sql`delete from ${sql(table)} where organization_id = ${organizationId}`
    }
    yield* sql`delete from organizations where id = ${organizationId}`
  })

/** People who are members of this organization only. */
export const peopleOf = (organizationId: string, limit: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    return decodeIds(
      yield* sql`
        select m.user_id as id from memberships m
        where m.organization_id = ${organizationId} and not exists (
          select 1 from memberships o where o.user_id = m.user_id and o.organization_id <> m.organization_id)
        order by m.user_id limit ${limit}`
    ).map((decodeId) => decodeId.id)
  })

/**
 * Deletes a person's rows in the open transaction: the account with its memberships, sessions, created keys, codes and waiting
 * mails. `invites`: also organizations' invites to their address. Their data key isn't touched. Returns how many of each.
 */
export const erasePersonRows = (personId: string, invites: boolean) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const counts = new Map<string, number>()
    const gone = (table: string, column: string) =>
      sql`
        with gone as (delete from ${sql(table)} where ${sql(column)} = ${personId} returning 1)
        select count(*)::int as count from gone`.pipe(
        Effect.map((rows) => counts.set(table, decodeCount(rows)[0]?.count ?? 0))
      )
    yield* sql`select 1 from users where id = ${personId} for update`
    if (invites) {
      const rows = yield* sql`
        with gone as (
          delete from invites where email = (select email from users where id = ${personId}) returning 1
        ) select count(*)::int as count from gone`
      counts.set("invites", decodeCount(rows)[0]?.count ?? 0)
    }
    // Requested by mail before the address had an account.
    yield* sql`delete from one_time_tokens where email = (select email from users where id = ${personId})`
    // They would be deleted with the account; deleting them one by one counts them.
    yield* gone("sessions", "user_id")
    yield* gone("api_keys", "created_by")
    yield* gone("one_time_tokens", "user_id")
    yield* gone("device_authorizations", "approved_by")
    yield* gone("mail_outbox", "user_id")
    yield* gone("events", "user_id")
    yield* sql`delete from keyed_requests where caller = ${`person ${personId}`}`
    const left = decodeOrphans(yield* sql`select organization_id as id from memberships where user_id = ${personId}`)
    yield* gone("memberships", "user_id")
    for (const { id } of left) {
      if (!Schema.is(OrganizationId)(id) || !Schema.is(UserId)(personId)) continue
      yield* recordEvents(id, {
        type: "member.removed",
        subject: `members/${personId}`,
        data: { userId: personId, role: null }
      })
    }
    yield* gone("users", "id")
    return counts
  })

/**
 * Deletes rows of erased organizations: work that started before the erasure may write one after it, in tables without a foreign
 * key to organizations. Returns the organizations' ids.
 */
export const eraseOrphans = Effect.gen(function* () {
  const sql = yield* SqlClient
  const found = new Set<string>()
  for (const table of yield* erasedTables) {
    const rows = decodeOrphans(
      yield* sql`
        with gone as (
          delete from ${sql(table)} t where t.organization_id is not null
            and not exists (select 1 from organizations o where o.id = t.organization_id) returning t.organization_id
        ) select distinct organization_id as id from gone`
    )
    for (const { id } of rows) if (Schema.is(OrganizationId)(id)) found.add(id)
  }
  return [...found]
})
