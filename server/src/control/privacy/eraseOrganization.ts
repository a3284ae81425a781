import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationName } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Effect, Schema } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { Remains, type Store } from "../../base/words/Remains.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { endServices } from "./deleteOrganization.ts"
import { erasePersonWithin } from "./erasePerson.ts"
import { eraseOrganizationRows, eraseSomeRows, peopleOf } from "./eraseRows.ts"
import { complete, note } from "./erasures.ts"
import { erasedTables } from "./organizationTables.ts"

/** Called before each step of an erasure, by name: a test stops it there. */
export class ErasureSteps extends Context.Reference<ErasureSteps>()("@maxcloud/server/ErasureSteps", {
  defaultValue: (): ((step: string) => Effect.Effect<void>) => () => Effect.void
}) {}

export interface DueErasure {
  /** Id of the certificate. */
  readonly id: string
  readonly organization: { readonly id: OrganizationId; readonly name: OrganizationName } | undefined
  readonly organizationId: OrganizationId
}

const rowsAtOnce = 5_000
const peopleAtOnce = 50

const decodeState = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ open: Schema.Int, unfinished: Schema.Int })))
const decodeKeys = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ count: Schema.Int })))

/**
 * The organization's remains in the runtime: apps and stages with a service or another object, or with a deployment in progress.
 */
const runtimeState = (organizationId: OrganizationId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = decodeState(
      yield* sql`
        select (
          select count(*)::int from app_stages a where a.organization_id = ${organizationId} and (
            a.inventory <> '[]' or exists (
              select 1 from services s
              where s.organization_id = a.organization_id and s.app = a.app and s.stage = a.stage))
        ) as open, (
          select count(*)::int from deployments where organization_id = ${organizationId} and finished_at is null
        ) as unfinished`
    )
    return rows[0] ?? { open: 0, unfinished: 0 }
  })

const eraseStore = (erasureId: string, organizationId: OrganizationId, { action, count, erase, store }: Store) =>
  Effect.gen(function* () {
    // Record it before it happens, so that the count isn't too low after a crash in between.
    yield* transaction(note(erasureId, { store, action, count: yield* count(organizationId) }, "atLeast"))
    yield* erase(organizationId)
  })

const erasePeople = (erasureId: string, organizationId: OrganizationId) =>
  Effect.gen(function* () {
    for (;;) {
      const people = yield* peopleOf(organizationId, peopleAtOnce)
      for (const person of people) {
        yield* transaction(
          Effect.gen(function* () {
            // Invites from other organizations to the address belong to them.
            yield* erasePersonWithin(person, false)
            yield* note(
              erasureId,
              { store: "people", action: "erased accounts without another organization", count: 1 },
              "add"
            )
          })
        )
      }
      if (people.length === 0) break
    }
    yield* transaction(
      note(erasureId, { store: "people", action: "erased accounts without another organization", count: 0 }, "add")
    )
  })

const eraseTable = (erasureId: string, organizationId: OrganizationId, table: string) =>
  Effect.gen(function* () {
    for (;;) {
      const count = yield* transaction(
        Effect.tap(eraseSomeRows(table, organizationId, rowsAtOnce), (count) =>
          note(erasureId, { store: "database", action: `rows of ${table} deleted`, count }, "add")
        )
      )
      if (count < rowsAtOnce) return
    }
  })

/**
 * Soon removes the deleted rows from the tables' files, if the role may do so; otherwise autovacuum does it later. Never fails.
 */
const vacuum = (tables: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    for (const table of tables) yield* sql`vacuum ${sql(table)}`
  }).pipe(Effect.catchAll((error) => Effect.logDebug("Couldn't vacuum the tables", error.cause)))

/**
 * Erases an organization whose grace period is over, in an order that can be resumed after a crash at any point: running
 * instances, files, people, rows, keys, the organization itself, and last the certificate's signature. Each step is safe to
 * repeat. False: its services are still stopping.
 */
export const eraseOrganization = ({ id, organization, organizationId }: DueErasure) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const keys = yield* DataKeys
    const audit = yield* Audit
    const { stores } = yield* Remains
    const step = yield* ErasureSteps

    if (organization !== undefined) {
      yield* step("services")
      const { open, unfinished } = yield* runtimeState(organizationId)
      if (open > 0 && unfinished === 0) yield* endServices(organization)
      if (open + unfinished > 0) return false
    }
    for (const store of stores) {
      yield* step(store.store)
      yield* eraseStore(id, organizationId, store)
    }
    yield* step("people")
    yield* erasePeople(id, organizationId)
    const tables = yield* erasedTables
    for (const table of tables) {
      yield* step(table)
      yield* eraseTable(id, organizationId, table)
    }
    yield* step("keys")
    yield* transaction(
      Effect.gen(function* () {
        const [{ count } = { count: 0 }] = decodeKeys(
          yield* sql`select count(*)::int as count from organization_keys where organization_id = ${organizationId}`
        )
        yield* keys.erase({ type: "organization", id: organizationId })
        const action = "data keys erased: what was sealed with them, as in the audit log and in backups, opens no more"
        yield* note(id, { store: "keys", action, count }, "add")
      })
    )
    yield* step("organization")
    yield* transaction(eraseOrganizationRows(organizationId))
    yield* step("again")
    // Work in progress may have written more while its files were erased.
    for (const store of stores) yield* store.erase(organizationId)
    yield* step("vacuum")
    yield* vacuum([...tables, "organizations", "users", "one_time_tokens", "mail_outbox"])
    yield* step("certificate")
    yield* transaction(
      Effect.gen(function* () {
        const action = "not touched: a restored backup is erased again by erasures.jsonl"
        yield* note(id, { store: "backups", action, count: 0 }, "add")
        yield* complete(id)
        // Use the server's own chain, because the organization's chain no longer has a key.
        yield* audit.append({ action: "server.erase", outcome: "succeeded", status: 200, subject: organizationId })
      })
    )
    return true
  })
