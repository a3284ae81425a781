import type { SqlClient } from "@effect/sql/SqlClient"
import { type DeviceProgress, OrganizationId, UserId } from "@maxcloud/sdk/api"
import { Effect, type Redacted, Schema } from "effect"
import type { Audit } from "../audit/Audit.ts"
import { insertSession, membershipsOf } from "./sessionRows.ts"
import { matches, parseToken } from "./tokens.ts"
import { userById } from "./userRows.ts"

/** How long a program must wait before it asks again. */
export const intervalSeconds = 5
/** The network may deliver two polls closer together than they were sent. */
const allowanceSeconds = 1

const decodeRows = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      id: Schema.String,
      device_code_hash: Schema.Uint8ArrayFromSelf,
      approved_by: Schema.NullOr(UserId),
      organization_id: Schema.NullOr(OrganizationId),
      denied: Schema.Boolean,
      ended: Schema.Boolean,
      too_soon: Schema.Boolean
    })
  )
)

const expired: DeviceProgress = { state: "expired" }

/** The session of the person who approved, as long as they're a member. */
const grantTo = (sql: SqlClient, sessionDays: number, userId: UserId, organizationId: OrganizationId | null) =>
  Effect.gen(function* () {
    const user = yield* userById(sql, userId)
    const membership = (yield* membershipsOf(sql, userId)).find((each) => each.organization.id === organizationId)
    if (user === undefined || membership === undefined) return undefined
    const session = yield* insertSession(sql, user, membership, sessionDays)
    return { session, user, organization: membership.organization }
  })

/** Inside a transaction: the authorization's progress, with the session, once, if it was approved. */
export const pollDevice = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  sessionDays: number,
  deviceCode: Redacted.Redacted
) =>
  Effect.gen(function* () {
    const parsed = parseToken("device", deviceCode)
    if (parsed === undefined) return expired
    const rows = yield* sql`
      select id, device_code_hash, approved_by, organization_id, denied_at is not null as denied,
        granted_at is not null or expires_at <= now() as ended,
        coalesce(now() - polled_at < ${intervalSeconds - allowanceSeconds} * interval '1 second', false) as too_soon
      from device_authorizations where id = ${`dev_${parsed.id}`} for update`
    const [row] = decodeRows(rows)
    if (!matches(deviceCode, row?.device_code_hash) || row === undefined || row.ended) return expired
    if (row.denied) return { state: "denied" } as const
    if (row.approved_by === null) {
      yield* sql`update device_authorizations set polled_at = now() where id = ${row.id}`
      return row.too_soon
        ? ({ state: "slowDown", intervalSeconds: 2 * intervalSeconds } as const)
        : ({ state: "pending", intervalSeconds } as const)
    }
    yield* sql`update device_authorizations set granted_at = now() where id = ${row.id}`
    const granted = yield* grantTo(sql, sessionDays, row.approved_by, row.organization_id)
    if (granted === undefined) return { state: "denied" } as const
    yield* audit.append({
      action: "signIn.pollDevice",
      outcome: "succeeded",
      status: 200,
      subject: "session by device authorization",
      organizationId: granted.organization.id,
      person: granted.user
    })
    return { state: "granted", session: granted.session } as const
  })
