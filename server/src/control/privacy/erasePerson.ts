import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { Conflict, type UserId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { notifying } from "../../base/database/notifying.ts"
import { transaction } from "../../base/database/sqlErrors.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import type { Person } from "../../tenancy/access/Caller.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { erasePersonRows } from "./eraseRows.ts"
import { complete, insertErasure, newErasureId, note } from "./erasures.ts"

/**
 * Erases one person's rows and data key and signs the certificate, in the open transaction. The caller writes the audit entry.
 */
export const erasePersonWithin = (personId: UserId, invites: boolean) =>
  Effect.gen(function* () {
    const keys = yield* DataKeys
    const id = newErasureId()
    yield* insertErasure(id, "person", personId)
    for (const [table, count] of yield* erasePersonRows(personId, invites)) {
      yield* note(id, { store: "database", action: `rows of ${table} deleted`, count }, "add")
    }
    yield* keys.erase({ type: "person", id: personId })
    yield* note(
      id,
      {
        store: "keys",
        action: "data key erased: what was sealed with it, as in the audit log, opens no more",
        count: 1
      },
      "add"
    )
    yield* note(
      id,
      { store: "backups", action: "not touched: a restored backup is erased again by erasures.jsonl", count: 0 },
      "add"
    )
    return yield* complete(id)
  })

const Owned = Schema.Struct({
  id: Schema.String,
  name: OrganizationName,
  members: Schema.Int,
  delete_after: Schema.NullOr(Schema.DateFromSelf)
})
const decodeOwned = Schema.decodeUnknownSync(Schema.Array(Owned))

/** What an organization's only owner must do before leaving. */
const needs = ({ delete_after, members, name }: typeof Owned.Type): string =>
  delete_after !== null
    ? `"${name}" will be deleted after ${delete_after.toISOString()}, and your account with it`
    : members > 1
      ? `you are the only owner of "${name}", so first make another member its owner (\`maxcloud org members role\`), or switch to it and delete it (\`maxcloud org delete\`)`
      : `you are the only member of "${name}", so switch to it and delete it (\`maxcloud org delete\`). If it is your last one, that also erases your account`

/** Erases a person at their own request. Refused while an organization would be left without an owner. */
export const erasePerson = ({ id: personId, verified }: Pick<Person, "id" | "verified">) =>
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      // In the order of ids, because two people of the same organizations may do this at once.
      yield* sql`
        select 1 from organizations where id in (select organization_id from memberships where user_id = ${personId})
        order by id for no key update`
      const owned = decodeOwned(
        yield* sql`
          select o.id, o.name, o.delete_after,
            (select count(*)::int from memberships m where m.organization_id = o.id) as members
          from organizations o join memberships own on own.organization_id = o.id
          where own.user_id = ${personId} and own.role = 'owner' and not exists (
            select 1 from memberships m
            where m.organization_id = o.id and m.role = 'owner' and m.user_id <> ${personId})
          order by o.name collate "C"`
      )
      if (owned.length > 0) {
        return yield* new Conflict({ detail: `Your account can't be erased yet: ${owned.map(needs).join("; ")}.` })
      }
      yield* sql`select ${notifying(sql, "erasure")}`
      // Do this before deleting the key, which seals the entry's personal fields.
      yield* audit.append({ action: "account.delete", outcome: "succeeded", status: 201, subject: personId })
      // Invites belong to the address's reader. An account with an unconfirmed address may be somebody else's.
      return yield* erasePersonWithin(personId, verified)
    })
  )
