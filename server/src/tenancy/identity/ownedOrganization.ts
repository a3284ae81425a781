import type { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { Conflict, OrganizationId, type UserInfo } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { newId } from "../../base/database/newId.ts"
import type { Audit } from "../audit/Audit.ts"

const decodeOrganizations = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: OrganizationId, name: OrganizationName }))
)

export const nameTaken = (name: OrganizationName) =>
  new Conflict({ detail: `The organization "${name}" already exists. Choose another name.` })

/** A new organization that this person owns. */
export const insertOwned = (sql: SqlClient, name: OrganizationName, userId: string) =>
  Effect.gen(function* () {
    const rows = yield* sql`
      insert into organizations (id, name, created_by) values (${newId("org")}, ${name}, ${userId})
      on conflict (name) do nothing returning id, name`
    const [made] = decodeOrganizations(rows)
    if (made === undefined) return yield* nameTaken(name)
    yield* sql`
      insert into memberships (organization_id, user_id, role) values (${made.id}, ${userId}, 'owner')`
    return made
  })

/** `insertOwned`, recorded in the audit log. */
export const addOwned = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  noted: { readonly action: "account.createOrganization" | "signIn.verify"; readonly status: 200 | 201 },
  name: OrganizationName,
  person: UserInfo
) =>
  Effect.gen(function* () {
    const organization = yield* insertOwned(sql, name, person.id)
    yield* audit.append({
      ...noted,
      outcome: "succeeded",
      subject: `organization ${name}`,
      organizationId: organization.id,
      person
    })
  })
