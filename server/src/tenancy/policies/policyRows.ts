import { SqlClient } from "@effect/sql/SqlClient"
import { NotFound, type OrganizationId, type PolicyInfo, PolicyName } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"

const Row = Schema.Struct({
  name: PolicyName,
  expression: Schema.String,
  message: Schema.NullOr(Schema.String),
  enforcement: Schema.Literal("refuse", "warn"),
  created_at: Schema.DateFromSelf,
  updated_at: Schema.DateFromSelf
})

export const columns = "name, expression, message, enforcement, created_at, updated_at"

export interface StoredPolicy extends PolicyInfo {
  readonly enforcement: "refuse" | "warn"
}

export const decodePolicies = (rows: unknown): ReadonlyArray<StoredPolicy> =>
  Schema.decodeUnknownSync(Schema.Array(Row))(rows).map(({ created_at, updated_at, ...row }) => ({
    ...row,
    createdAt: created_at.toISOString(),
    updatedAt: updated_at.toISOString()
  }))

/** The policies of an organization by name; or the one with this name. */
export const selectPolicies = (organizationId: OrganizationId, name?: PolicyName) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      select ${sql.literal(columns)} from policies
      where organization_id = ${organizationId} and ${name === undefined ? sql`true` : sql`name = ${name}`}
      order by name collate "C"`
  ).pipe(Effect.map(decodePolicies))

const noPolicy = (name: PolicyName) =>
  new NotFound({
    resource: "policy",
    resourceName: name,
    detail: `The policy "${name}" doesn't exist. \`maxcloud policies list\` shows the existing ones.`
  })

export const policyOf = (organizationId: OrganizationId, name: PolicyName) =>
  Effect.flatMap(selectPolicies(organizationId, name), ([found]) =>
    found === undefined ? noPolicy(name) : Effect.succeed(found)
  )

/** A text that changes with each change of an organization's policies. */
export const policiesStamp = (organizationId: OrganizationId) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{ stamp: string }>`
      select coalesce(string_agg(name || ' ' || extract(epoch from updated_at)::text, ',' order by name collate "C"), '') as stamp
      from policies where organization_id = ${organizationId}`
  ).pipe(Effect.map(([row]) => row?.stamp ?? ""))
