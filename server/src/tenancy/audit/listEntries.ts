import type { SqlClient } from "@effect/sql/SqlClient"
import type { AuditEntry } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import type { Audit } from "./Audit.ts"
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

/** Newest first. */
export const listEntries = (
  sql: SqlClient,
  keys: typeof DataKeys.Service,
  chain: Chain,
  { action, before, limit }: Parameters<typeof Audit.Service.list>[1]
) =>
  Effect.gen(function* () {
    const rows = decodeEntries(
      yield* sql`
        select ${sql.literal(entryColumns)}
        from audit_entries where organization_id = ${chain}
          and sequence < ${before ?? Number.MAX_SAFE_INTEGER} and (${action ?? null}::text is null or action = ${action ?? null})
        order by sequence desc limit ${limit}`
    )
    return yield* Effect.forEach(rows, (row) => opened(keys, row))
  })
