import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { OrganizationName } from "@maxcloud/config-schema"
import { NotFound, type UserId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import type { Audit } from "../audit/Audit.ts"
import type { RateLimits } from "../limits/RateLimits.ts"
import { readCode } from "./codes.ts"
import { type Membership, membershipsOf } from "./sessionRows.ts"
import { clientNetwork, signInLimits, takeAll } from "./signInLimits.ts"
import { userById } from "./userRows.ts"

const decodeAsking = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      client_name: Schema.String,
      user_code: Schema.String,
      client_address: Schema.NullOr(Schema.String),
      created_at: Schema.DateFromSelf
    })
  )
)
const decodeAnswered = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ client_name: Schema.String })))

const noDevice = () =>
  new NotFound({
    resource: "device",
    resourceName: "code",
    detail:
      "This code is unknown or has expired. Codes are valid for ten minutes and work once. Check that you typed it as shown, or run `maxcloud auth login` again."
  })

const open = (sql: SqlClient) => sql`approved_by is null and denied_at is null and expires_at > now()`

/** User codes are short, so each attempt counts. */
const takeTry = (limits: typeof RateLimits.Service) =>
  Effect.flatMap(clientNetwork, (network) => takeAll(limits, [[signInLimits.userCodeByAddress, network]]))

/** The waiting device, while it can still be answered. */
export const findDevice = (sql: SqlClient, limits: typeof RateLimits.Service, typed: string) =>
  Effect.gen(function* () {
    yield* takeTry(limits)
    const code = readCode(typed)
    if (code === undefined) return yield* noDevice()
    const rows = yield* sql`
      select client_name, user_code, client_address, created_at from device_authorizations
      where user_code = ${code} and ${open(sql)}`
    const [row] = decodeAsking(rows)
    if (row === undefined) return yield* noDevice()
    return {
      clientName: row.client_name,
      userCode: row.user_code,
      clientAddress: row.client_address ?? undefined,
      askedAt: row.created_at
    }
  })

const answer = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  action: "signIn.approveDevice" | "signIn.denyDevice",
  userId: UserId,
  organization: Membership["organization"] | undefined,
  update: Effect.Effect<ReadonlyArray<unknown>, SqlError>
) => {
  const answered = Effect.gen(function* () {
    const [row] = decodeAnswered(yield* update)
    if (row === undefined) return yield* noDevice()
    yield* audit.append({
      action,
      outcome: "succeeded",
      status: 200,
      subject: `device ${row.client_name}`,
      organizationId: organization?.id,
      person: yield* userById(sql, userId)
    })
  })
  return inTransaction(sql, answered).pipe(
    Effect.tapErrorTag("NotFound", () =>
      Effect.flatMap(userById(sql, userId), (person) =>
        audit.append({ action, outcome: "refused", status: 404, subject: "device by a wrong code", person })
      )
    )
  )
}

/** Lets the program that shows the code sign in for a member of the organization. */
export const approveDevice = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  limits: typeof RateLimits.Service,
  typed: string,
  userId: UserId,
  name: OrganizationName
) =>
  Effect.gen(function* () {
    yield* takeTry(limits)
    const memberships = yield* membershipsOf(sql, userId)
    const organization = memberships.find((membership) => membership.organization.name === name)?.organization
    if (organization === undefined) {
      return yield* new NotFound({
        resource: "organization",
        resourceName: name,
        detail: `You aren't a member of an organization called "${name}".`
      })
    }
    const update = sql`
      update device_authorizations set approved_by = ${userId}, organization_id = ${organization.id}
      where user_code = ${readCode(typed) ?? ""} and (${open(sql)} or (
        approved_by = ${userId} and organization_id = ${organization.id} and expires_at > now()))
      returning client_name`
    yield* answer(sql, audit, "signIn.approveDevice", userId, organization, update)
  })

/** Refuses the program that shows the code. */
export const denyDevice = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  limits: typeof RateLimits.Service,
  typed: string,
  userId: UserId
) =>
  Effect.gen(function* () {
    yield* takeTry(limits)
    const update = sql`
      update device_authorizations set denied_at = coalesce(denied_at, now())
      where user_code = ${readCode(typed) ?? ""} and (${open(sql)} or (
        denied_at is not null and expires_at > now()))
      returning client_name`
    yield* answer(sql, audit, "signIn.denyDevice", userId, undefined, update)
  })
