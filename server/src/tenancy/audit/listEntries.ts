import type { SqlClient } from "@effect/sql/SqlClient"
import { type AuditEntry, AuditList } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { selectPage } from "../../base/database/paging.ts"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import type { AuditFilter } from "./Audit.ts"
import { decodeEntries, type EntryRow, entryColumns, hex } from "./auditRows.ts"
import type { Chain } from "./chain.ts"
import { open } from "./sealing.ts"

const opened = (keys: typeof DataKeys.Service, row: EntryRow) =>
  Effect.map(
    open(keys, row),
    ({ personal, subject }): AuditEntry => ({
      sequence: row.sequence,
      at: row.at.toISOString(),
      action: row.action,
      outcome: row.outcome,
      status: row.status,
      actor: {
        type: row.actor_type,
        // The issuer's name for the subject says more than the trust, which is the credential.
        id: personal?.oidcSubject ?? row.actor_id,
        credentialId: row.credential_id,
        email: personal?.email ?? null,
        address: personal?.address ?? null
      },
      subject: subject?.subject ?? null,
      beforeDigest: row.before_digest,
      afterDigest: row.after_digest,
      requestId: row.request_id,
      hash: hex(row.hash)
    })
  )

const sorts = { sequence: [["sequence", "integer"]] } as const

export const pageOfEntries = (
  sql: SqlClient,
  keys: typeof DataKeys.Service,
  chain: Chain,
  { action, before, outcome, since }: AuditFilter,
  paging: ReturnType<typeof AuditList.pagingOf>
) =>
  Effect.gen(function* () {
    const { items, next } = yield* selectPage(
      AuditList,
      sorts,
      paging,
      ({ isAfter, key, order }) => sql`
        select ${sql.literal(entryColumns)}, ${key} from audit_entries
        where organization_id = ${chain} and ${isAfter}
          and ${since === undefined ? sql`true` : sql`at >= ${new Date(since)}`}
          and ${before === undefined ? sql`true` : sql`sequence < ${before}`}
          and ${action === undefined ? sql`true` : sql`action = ${action}`}
          and ${outcome === undefined ? sql`true` : sql`outcome = ${outcome}`} ${order}`,
      decodeEntries
    )
    return { items: yield* Effect.forEach(items, (row) => opened(keys, row)), next }
  })
