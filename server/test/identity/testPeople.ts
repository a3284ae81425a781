import type { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { OrganizationId, type Role, SessionId, UserId } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { newId } from "../../src/base/database/newId.ts"
import type { Caller } from "../../src/tenancy/access/Caller.ts"
import { Audit, type Happening } from "../../src/tenancy/audit/Audit.ts"
import { hexOf, newToken } from "../../src/tenancy/identity/tokens.ts"

let made = 0

/** An organization without members. */
export const newOrganization = (sql: SqlClient) =>
  Effect.gen(function* () {
    const organization = { id: OrganizationId.make(newId("org")), name: OrganizationName.make(`keys-${++made}`) }
    yield* sql`insert into organizations (id, name) values (${organization.id}, ${organization.name})`
    return organization
  })

/** A member of the organization, as the caller of a request with a session. */
export const newMember = (sql: SqlClient, organization: Caller["organization"], role: Role) =>
  Effect.gen(function* () {
    const id = UserId.make(newId("usr"))
    const email = `${role}-${++made}@example.com`
    yield* sql`insert into users (id, email, verified_at) values (${id}, ${email}, now())`
    yield* sql`
      insert into memberships (organization_id, user_id, role) values (${organization.id}, ${id}, ${role})`
    const caller = {
      organization,
      roles: [role],
      scopes: undefined,
      credential: { type: "session", id: SessionId.make(newId("ses")) },
      person: { id, email, verified: true }
    } satisfies Caller
    return caller
  })

/** A session in the database, for `seconds` from now. */
export const newSession = (
  sql: SqlClient,
  { organization, person }: Effect.Effect.Success<ReturnType<typeof newMember>>,
  seconds: number
) =>
  Effect.gen(function* () {
    const id = SessionId.make(newId("ses"))
    const { hash, token } = newToken("session", hexOf(id))
    yield* sql`
      insert into sessions (organization_id, id, user_id, token_hash, expires_at)
      values (${organization.id}, ${id}, ${person.id}, ${hash}, now() + make_interval(secs => ${seconds}))`
    return { id, token }
  })

/** The recorded audit entries, newest last. Fails as the real log does when its key is unavailable. */
export const makeTestAudit = () => {
  const told: Array<Happening> = []
  let failure: Error | undefined
  return {
    told,
    breakDown: (error: Error | undefined) => {
      failure = error
    },
    layer: Layer.mock(Audit, {
      append: (happening) =>
        failure === undefined
          ? Effect.sync(() => {
              told.push(happening)
            })
          : Effect.die(failure)
    })
  }
}
