import { SqlClient } from "@effect/sql/SqlClient"
import { Chunk, Effect, Option, Schema, Stream } from "effect"
import type { ExportedTable } from "./ExportedTable.ts"

const decodePage = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ line: Schema.String, key: Schema.Array(Schema.String) }))
)

/** The lines of a table's rows, read page by page, without reading a whole table or holding a transaction open for a cursor. */
export const exportTable = (
  { fields, key, of = "organization_id", rows = 500, table, type }: ExportedTable,
  owner: string
) => {
  const names = key.map(({ column }) => `t.${column}`).join(", ")
  const data = Object.entries(fields)
    .map(([name, expression]) => `'${name}', ${expression}`)
    .join(", ")
  const select = `select json_build_object('type', '${type}', 'data', json_build_object(${data}))::text as line,
    array[${key.map(({ column }) => `t.${column}::text`).join(", ")}]::text[] as key from ${table} t where t.${of} = $1`
  const after = key.map(({ as }, index) => `$${index + 2}::${as}`).join(", ")
  const order = key.length === 0 ? "" : ` order by ${names}`

  return Stream.paginateChunkEffect(undefined as ReadonlyArray<string> | undefined, (last) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const page = decodePage(
        yield* sql.unsafe(
          `${select}${last === undefined ? "" : ` and (${names}) > (${after})`}${order} limit ${rows}`,
          [owner, ...(last ?? [])]
        )
      )
      const next = key.length > 0 && page.length === rows ? Option.fromNullable(page.at(-1)?.key) : Option.none()
      return [Chunk.fromIterable(page.map((line) => line.line)), next] as const
    })
  )
}
