import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationName } from "@maxcloud/config-schema"
import { Forbidden, NotFound, type UserId } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import type { Caller } from "../access/Caller.ts"
import { Audit } from "../audit/Audit.ts"
import { Sessions } from "./Accounts.ts"
import { defaultSessionDays, type IdentityOptions } from "./IdentityOptions.ts"
import { insertSession, membershipsOf } from "./sessionRows.ts"
import { parseToken } from "./tokens.ts"
import { userById } from "./userRows.ts"
import { whereAway } from "./whereAway.ts"

const decodeDescriptions = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ name: Schema.NullOr(Schema.String), expires_at: Schema.NullOr(Schema.DateFromSelf) }))
)

const grant = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  sessionDays: number,
  userId: UserId,
  name: OrganizationName
) =>
  Effect.gen(function* () {
    const user = yield* userById(sql, userId)
    const membership = (yield* membershipsOf(sql, userId)).find((each) => each.organization.name === name)
    if (user === undefined || membership === undefined) {
      return yield* new NotFound({
        resource: "organization",
        resourceName: name,
        detail: `You aren't a member of an organization called "${name}". \`maxcloud auth status\` lists yours.`
      })
    }
    const insert = Effect.tap(insertSession(sql, user, membership, sessionDays), () =>
      audit.append({
        action: "auth.switchOrganization",
        outcome: "succeeded",
        status: 201,
        subject: `organization ${name}`,
        organizationId: membership.organization.id,
        person: user
      })
    )
    return yield* inTransaction(sql, insert)
  })

const describe = (sql: SqlClient, { credential, organization, person }: Caller) =>
  Effect.gen(function* () {
    if (credential.type === "local") return { name: null, expiresAt: null }
    const where = sql`organization_id = ${organization.id} and id = ${credential.id}`
    // A session can act for an organization other than its own.
    const rows = yield* credential.type === "session"
      ? sql`select null as name, expires_at from sessions where user_id = ${person?.id ?? ""} and id = ${credential.id}`
      : credential.type === "key"
        ? sql`select name, expires_at from api_keys where ${where}`
        : sql`select name, null as expires_at from oidc_trusts where ${where}`
    const [row] = decodeDescriptions(rows)
    return { name: row?.name ?? null, expiresAt: row?.expires_at?.toISOString() ?? null }
  })

const end = (sql: SqlClient, { credential, organization }: Caller) =>
  Effect.gen(function* () {
    if (credential.type !== "session") {
      return yield* new Forbidden({
        detail:
          credential.type === "key"
            ? "You can't sign out of an API key. Delete it with `maxcloud auth api-keys delete`."
            : "This request came without a session, so there's nothing to sign out of."
      })
    }
    yield* sql`delete from sessions where organization_id = ${organization.id} and id = ${credential.id}`
  })

/** `Sessions` in the table `sessions`. */
export const layer = ({ sessionDays = defaultSessionDays }: IdentityOptions) =>
  Layer.effect(
    Sessions,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit

      return {
        grant: Effect.fn("Sessions.grant")(
          (userId: UserId, name: OrganizationName) => grant(sql, audit, sessionDays, userId, name),
          whereAway,
          asServer
        ),

        organizationsOf: Effect.fn("Sessions.organizationsOf")(
          (userId) =>
            Effect.map(membershipsOf(sql, userId), (all) =>
              all.map(({ organization, role }) => ({ ...organization, role }))
            ),
          whereAway,
          asServer
        ),

        describe: Effect.fn("Sessions.describe")((caller: Caller) => describe(sql, caller), whereAway, asServer),
        end: Effect.fn("Sessions.end")((caller: Caller) => end(sql, caller), whereAway, asServer),

        discard: Effect.fn("Sessions.discard")(
          ({ token }) => sql`delete from sessions where id = ${`ses_${parseToken("session", token)?.id ?? ""}`}`,
          Effect.asVoid,
          whereAway,
          asServer
        )
      }
    })
  )
