import { SqlClient } from "@effect/sql/SqlClient"
import type { Author } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { CurrentCaller } from "./Caller.ts"

/** The credential of the current request, as it is stored with what it creates; undefined without one. */
export const currentAuthor: Effect.Effect<Pick<Author, "type" | "id"> | undefined> = Effect.map(
  CurrentCaller,
  (caller) => {
    const credential = caller?.credential
    switch (credential?.type) {
      case "session":
        return caller?.person === undefined ? undefined : { type: "person", id: caller.person.id }
      case "key":
        return { type: "apiKey", id: credential.id }
      case "oidc":
        return { type: "oidc", id: credential.subject }
      default:
        return undefined
    }
  }
)

/** A person as an author; null without an id. `email` is null if the account no longer exists. */
export const personAuthor = (id: string | null, email: string | null): Author | null =>
  id === null ? null : { type: "person", id, name: email }

/**
 * The column `"createdBy"` from the columns `created_by_type` and `created_by`, or others named alike, of the table with this alias.
 * People have no name yet: see `withEmails`.
 */
export const authorColumn = (
  sql: SqlClient,
  alias: "d" | "v" | "a",
  column: "created_by" | "suspended_by" = "created_by"
) => {
  const row = sql.literal(alias)
  const id = sql.literal(`${alias}.${column}`)
  const type = sql.literal(`${alias}.${column}_type`)
  return sql`
    case when ${id} is not null then json_build_object('type', ${type}, 'id', ${id}, 'name',
      case ${type} when 'oidc' then ${id} when 'apiKey' then (
        select k.name from api_keys k where k.organization_id = ${row}.organization_id and k.id = ${id}) end
    ) end as "createdBy"`
}

const decodePeople = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String, email: Schema.String })))

/** Adds people's email addresses. They aren't rows of an organization, and an erased person has none. */
export const withEmails = <D extends { readonly createdBy: Author | null }>(all: ReadonlyArray<D>) =>
  Effect.gen(function* () {
    const people = all.flatMap(({ createdBy }) => (createdBy?.type === "person" ? [createdBy.id] : []))
    if (people.length === 0) return all
    const sql = yield* SqlClient
    const rows = decodePeople(
      yield* asServer(sql`select id, email from users where ${sql.in("id", [...new Set(people)])}`)
    )
    const emails = new Map(rows.map((row) => [row.id, row.email]))
    return all.map((each): D => {
      const { createdBy } = each
      if (createdBy?.type !== "person") return each
      return { ...each, createdBy: { ...createdBy, name: emails.get(createdBy.id) ?? null } }
    })
  })
