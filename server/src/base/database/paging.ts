import { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment, Statement } from "@effect/sql/Statement"
import { InvalidRequest, type Page, type Paging } from "@maxcloud/sdk/api"
import { Chunk, Effect, Option, Schema, Stream } from "effect"
import { unstorableText } from "./unstorableText.ts"

/**
 * Keyset paging: a page begins after the sort key of the previous page's last item, not after a number of rows. So rows
 * added or deleted meanwhile neither repeat nor hide other rows, and a later page costs no more than the first.
 */

/** The content of a cursor: a text, an integer, or the microseconds of a time. */
type KeyType = "text" | "integer" | "time"

/** SQL of a part of the sort key, and its type. The last part makes the key unique. */
export type SortKey = readonly [expression: string, type: KeyType]

/** The sort keys of each field that a list can be sorted by. */
export type Sorts<Sort extends string> = {
  readonly [Field in Sort extends `-${string}` ? never : Sort]: ReadonlyArray<SortKey>
}

/** The fragments of a query for a page. */
export interface PageQuery {
  /** A column for the select list: the row's cursor is made from it. */
  readonly key: Fragment
  /** A condition: rows of this page and the following ones. */
  readonly isAfter: Fragment
  /** `order by` and `limit`. */
  readonly order: Fragment
}

const Cursor = Schema.compose(Schema.StringFromBase64Url, Schema.parseJson(Schema.Array(Schema.String)))
const decodeCursor = Schema.decodeUnknownOption(Cursor)
const encodeCursor = Schema.encodeSync(Cursor)

const detail = "This cursor doesn't belong to this list and order. Leave it out to get the first page."
const wrongCursor = new InvalidRequest({
  detail: `cursor: ${detail}`,
  errors: [{ parameter: "cursor", in: "query", code: "invalid", detail }]
})

const fits: Readonly<Record<KeyType, (text: string) => boolean>> = {
  text: (text) => unstorableText(text) === undefined,
  // Up to the year 2286, and below the integers that a double can't represent.
  integer: (text) => /^-?\d{1,15}$/.test(text),
  time: (text) => /^\d{1,16}$/.test(text)
}

/** The values in a cursor of this list in this order; undefined for the first page. */
const valuesOf = (list: string, types: ReadonlyArray<KeyType>, { cursor, sort }: Paging) => {
  if (cursor === undefined) return Effect.succeed(undefined)
  const [ofList, ofSort, ...values] = Option.getOrElse(decodeCursor(cursor), (): ReadonlyArray<string> => [])
  const isWhole = values.length === types.length && types.every((type, index) => fits[type](values[index] ?? ""))
  return ofList === list && ofSort === sort && isWhole ? Effect.succeed(values) : wrongCursor
}

const asText = (sql: SqlClient, [expression, type]: SortKey) =>
  type === "time"
    ? sql`((extract(epoch from ${sql.literal(expression)}) * 1000000)::bigint)::text`
    : sql`(${sql.literal(expression)})::text`

const asValue = (sql: SqlClient, [, type]: SortKey, value: string) => {
  if (type === "text") return sql`${value}::text`
  return type === "integer"
    ? sql`${value}::bigint`
    : sql`timestamptz 'epoch' + ${value}::bigint * interval '1 microsecond'`
}

const queryOf = (
  sql: SqlClient,
  keys: ReadonlyArray<SortKey>,
  values: ReadonlyArray<string> | undefined,
  { limit, sort }: Paging
): PageQuery => {
  const isDescending = sort.startsWith("-")
  const expressions = sql.csv(keys.map(([expression]) => sql`${sql.literal(expression)}`))
  const ordered = sql.csv(
    keys.map(([expression]) => sql`${sql.literal(expression)} ${sql.literal(isDescending ? "desc" : "asc")}`)
  )
  return {
    key: sql`json_build_array(${sql.csv(keys.map((key) => asText(sql, key)))}) as page_key`,
    isAfter:
      values === undefined
        ? sql`true`
        : sql`(${expressions}) ${sql.literal(isDescending ? "<" : ">")}
            (${sql.csv(keys.map((key, index) => asValue(sql, key, values[index] ?? "")))})`,
    // One more than requested shows whether there's another page.
    order: sql`order by ${ordered} limit ${limit + 1}`
  }
}

const decodeKeys = Schema.decodeUnknownSync(Schema.Struct({ page_key: Schema.Array(Schema.String) }))

/** Reads one page with the statement that `select` builds from its fragments. */
export const selectPage = <Sort extends string, A>(
  list: { readonly name: string },
  sorts: Sorts<Sort>,
  paging: Paging<Sort>,
  select: (query: PageQuery) => Statement<object>,
  read: (rows: ReadonlyArray<object>) => ReadonlyArray<A>
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const field = paging.sort.replace(/^-/, "")
    const keys = new Map<string, ReadonlyArray<SortKey>>(Object.entries(sorts)).get(field) ?? []
    const types = keys.map(([, type]) => type)
    const values = yield* valuesOf(list.name, types, paging)
    const rows = yield* select(queryOf(sql, keys, values, paging))
    const shown = rows.slice(0, paging.limit)
    const last = rows.length > paging.limit ? shown.at(-1) : undefined
    const next = last === undefined ? null : encodeCursor([list.name, paging.sort, ...decodeKeys(last).page_key])
    return { items: read(shown), next } satisfies Page<A>
  })

/** The items of a whole list, page by page. */
export const everyPage = <A, E, R>(pageAt: (cursor: string | undefined) => Effect.Effect<Page<A>, E, R>) =>
  Stream.paginateChunkEffect(undefined as string | undefined, (cursor) =>
    Effect.map(pageAt(cursor), ({ items, next }) => [Chunk.fromIterable(items), Option.fromNullable(next)] as const)
  )

const isBefore = (a: ReadonlyArray<string>, b: ReadonlyArray<string>) => {
  const at = a.findIndex((part, index) => part !== b[index])
  return at >= 0 && (a[at] ?? "") < (b[at] ?? "")
}

/** The same for a short list in memory. `keyOf`: unique texts that sort as their items do. */
export const pageInMemory = <A>(
  list: { readonly name: string },
  paging: Paging,
  items: ReadonlyArray<A>,
  keyOf: (item: A) => ReadonlyArray<string>
) =>
  Effect.gen(function* () {
    const keyed = items.map((item) => ({ item, key: keyOf(item) }))
    const types = (keyed[0]?.key ?? []).map(() => "text" as const)
    const values = keyed.length === 0 ? undefined : yield* valuesOf(list.name, types, paging)
    const isDescending = paging.sort.startsWith("-")
    const inOrder = (a: ReadonlyArray<string>, b: ReadonlyArray<string>) =>
      isDescending ? isBefore(b, a) : isBefore(a, b)
    const sorted = keyed
      .filter(({ key }) => values === undefined || inOrder(values, key))
      .sort((a, b) => (inOrder(a.key, b.key) ? -1 : 1))
    const shown = sorted.slice(0, paging.limit)
    const last = sorted.length > paging.limit ? shown.at(-1) : undefined
    const next = last === undefined ? null : encodeCursor([list.name, paging.sort, ...last.key])
    return { items: shown.map(({ item }) => item), next } satisfies Page<A>
  })
