import { SqlClient } from "@effect/sql/SqlClient"
import { Chunk, Effect, Option, Stream } from "effect"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import type { Person } from "../../tenancy/access/Caller.ts"
import { decodeEntries, entryColumns, hex } from "../../tenancy/audit/auditRows.ts"
import { open } from "../../tenancy/audit/sealing.ts"
import { personTables } from "./exportedPerson.ts"
import { framed, lineOf } from "./exportLines.ts"
import { exportTable } from "./exportTable.ts"

const entriesAtOnce = 200

/** The person's actions, in every organization and in none, without the subject, which belongs to the organization. */
const auditEntries = (personId: string) =>
  Stream.paginateChunkEffect({ chain: "", sequence: 0 }, (after) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const keys = yield* DataKeys
      const rows = decodeEntries(
        yield* sql`
          select ${sql.literal(entryColumns)} from audit_entries
          where person_id = ${personId} and (organization_id, sequence) > (${after.chain}, ${after.sequence})
          order by organization_id, sequence limit ${entriesAtOnce}`
      )
      const lines = yield* Effect.forEach(rows, (row) =>
        Effect.map(open(keys, row), ({ personal }) =>
          lineOf("auditEntry", {
            organizationId: row.organization_id === "server" ? null : row.organization_id,
            sequence: row.sequence,
            at: row.at.toISOString(),
            action: row.action,
            outcome: row.outcome,
            status: row.status,
            credentialId: row.credential_id,
            email: personal?.email ?? null,
            address: personal?.address ?? null,
            requestId: row.request_id,
            hash: hex(row.hash)
          })
        )
      )
      const last = rows.length === entriesAtOnce ? rows.at(-1) : undefined
      const next = Option.map(Option.fromNullable(last), (found) => ({
        chain: found.organization_id,
        sequence: found.sequence
      }))
      return [Chunk.fromIterable(lines), next] as const
    })
  )

/** Everything stored about a person, from all organizations. */
export const exportPerson = (person: Person) =>
  framed(
    { format: "maxcloud-person", person: { id: person.id, email: person.email } },
    // Invites belong to the address's reader. An account with an unconfirmed address may be somebody else's.
    Stream.flatMap(
      Stream.fromIterable(personTables.filter((personTable) => person.verified || personTable.of !== "email")),
      (table) => exportTable(table, table.of === "email" ? person.email : person.id)
    ).pipe(Stream.concat(auditEntries(person.id)))
  )
