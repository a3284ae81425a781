import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Chunk, Effect, Option, Schema, Stream } from "effect"
import { Audit } from "../audit/Audit.ts"
import type { Person } from "../identity/Caller.ts"
import { personTables } from "./exportedTables.ts"
import { framed, lineOf } from "./exportLines.ts"
import { exportTable } from "./exportTable.ts"

const entriesAtOnce = 200

const decodePlaces = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ organization_id: OrganizationId, sequence: Schema.NumberFromString }))
)
type PlaceOfEntry = ReturnType<typeof decodePlaces>[number]

/** Entries of one organization that are near each other, to be read together. */
const runsOf = (places: ReadonlyArray<PlaceOfEntry>) => {
  const runs: Array<Array<PlaceOfEntry>> = []
  for (const place of places) {
    const first = runs.at(-1)?.[0]
    const near = first?.organization_id === place.organization_id && place.sequence - first.sequence < entriesAtOnce
    if (near) runs.at(-1)?.push(place)
    else runs.push([place])
  }
  return runs
}

/**
 * What the person did, in every organization: without the subject, which is the organization's. Entries of the server's own chain (sign-ins)
 * are left to who may read that.
 */
const auditEntries = (personId: string) =>
  Stream.paginateChunkEffect(undefined as PlaceOfEntry | undefined, (last) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      const page = decodePlaces(
        yield* sql`
          select organization_id, sequence::text as sequence from audit_entries
          where person_id = ${personId} and organization_id like 'org\\_%'
            and (organization_id, sequence) > (${last?.organization_id ?? ""}, ${last?.sequence ?? 0})
          order by organization_id, sequence limit ${entriesAtOnce}`
      )
      const lines: Array<string> = []
      for (const run of runsOf(page)) {
        const [first, end] = [run[0], run.at(-1)]
        if (first === undefined || end === undefined) continue
        const wanted = new Set(run.map((_) => _.sequence))
        const options = { limit: end.sequence - first.sequence + 1, before: end.sequence + 1 }
        const entries = yield* audit.list(first.organization_id, options)
        for (const { subject: _, ...entry } of entries.filter((_) => wanted.has(_.sequence)).reverse()) {
          lines.push(lineOf("auditEntry", { organizationId: first.organization_id, ...entry }))
        }
      }
      const next = page.length === entriesAtOnce ? Option.fromNullable(page.at(-1)) : Option.none()
      return [Chunk.fromIterable(lines), next] as const
    })
  )

/** Everything that is kept of a person, of all organizations. */
export const exportPerson = (person: Person) =>
  framed(
    { format: "maxcloud-person", person: { id: person.id, email: person.email } },
    Stream.flatMap(Stream.fromIterable(personTables), (table) =>
      exportTable(table, table.of === "email" ? person.email : person.id)
    ).pipe(Stream.concat(auditEntries(person.id)))
  )
