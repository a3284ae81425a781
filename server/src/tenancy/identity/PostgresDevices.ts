import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationName } from "@maxcloud/config-schema"
import { type DeviceProgress, NotFound, OrganizationId, UserId } from "@maxcloud/sdk/api"
import { Effect, Layer, type Redacted, Schema } from "effect"
import { newId } from "../../base/database/newId.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { transaction } from "../../base/database/sqlErrors.ts"
import { ClientAddress } from "../access/Caller.ts"
import { Audit } from "../audit/Audit.ts"
import { RateLimits } from "../limits/RateLimits.ts"
import { Devices } from "./Accounts.ts"
import { newCode, readCode } from "./codes.ts"
import { defaultSessionDays, type IdentityOptions } from "./IdentityOptions.ts"
import { insertSession, membershipsOf } from "./sessionRows.ts"
import { clientNetwork, signInLimits, takeAll } from "./signInLimits.ts"
import { hexOf, matches, newToken, parseToken } from "./tokens.ts"
import { userById } from "./userRows.ts"
import { visibleText } from "./visibleText.ts"
import { whereAway } from "./whereAway.ts"

const expiresInSeconds = 600
const intervalSeconds = 5
/** The network may bring two polls nearer to each other than they were sent. */
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
const decodeCodes = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ user_code: Schema.String })))
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

const expired: DeviceProgress = { state: "expired" }

const noDevice = () =>
  new NotFound({
    resource: "device",
    name: "code",
    detail:
      "This code is unknown or has expired. Codes are valid for ten minutes and work once. Check that you typed it as shown, or run `maxcloud auth login` again."
  })

/** `Devices` in the table `device_authorizations`. */
export const layer = (options: IdentityOptions) =>
  Layer.effect(
    Devices,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      const limits = yield* RateLimits
      const inTransaction = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.provideService(transaction(effect), SqlClient, sql)

      const open = sql`approved_by is null and denied_at is null and expires_at > now()`

      /** undefined: another one has the user code. */
      const insert = (clientName: string) =>
        Effect.gen(function* () {
          const id = newId("dev")
          const { hash, token } = newToken("device", hexOf(id))
          const rows = yield* sql`
            insert into device_authorizations (id, device_code_hash, user_code, client_name, client_address, expires_at)
            values (${id}, ${hash}, ${newCode()}, ${clientName}, ${(yield* ClientAddress) ?? null},
              now() + ${expiresInSeconds} * interval '1 second')
            on conflict (user_code) do nothing returning user_code`
          const [row] = decodeCodes(rows)
          return row === undefined ? undefined : { deviceCode: token, userCode: row.user_code }
        })

      /** The session of who has approved, as long as they are a member. */
      const grantTo = (userId: UserId, organizationId: OrganizationId | null) =>
        Effect.gen(function* () {
          const user = yield* userById(sql, userId)
          const membership = (yield* membershipsOf(sql, userId)).find((_) => _.organization.id === organizationId)
          if (user === undefined || membership === undefined) return undefined
          const session = yield* insertSession(sql, user, membership, options.sessionDays ?? defaultSessionDays)
          return { session, user, organization: membership.organization }
        })

      const poll = (deviceCode: Redacted.Redacted) =>
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
          const granted = yield* grantTo(row.approved_by, row.organization_id)
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

      const answer = (
        action: "signIn.approveDevice" | "signIn.denyDevice",
        userId: UserId,
        organization: { readonly id: OrganizationId; readonly name: OrganizationName } | undefined,
        update: Effect.Effect<ReadonlyArray<unknown>, Effect.Effect.Error<ReturnType<typeof userById>>>
      ) =>
        inTransaction(
          Effect.gen(function* () {
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
        ).pipe(
          Effect.tapErrorTag("NotFound", () =>
            Effect.flatMap(userById(sql, userId), (person) =>
              audit.append({ action, outcome: "refused", status: 404, subject: "device by a wrong code", person })
            )
          )
        )

      return {
        start: Effect.fn("Devices.start")(
          function* (told) {
            yield* takeAll(limits, [[signInLimits.deviceByAddress, yield* clientNetwork]])
            const clientName = visibleText(told)
            let codes = yield* insert(clientName)
            while (codes === undefined) codes = yield* insert(clientName)
            const verificationUri = `${options.publicUrl}/auth/device`
            return {
              ...codes,
              verificationUri,
              verificationUriComplete: `${verificationUri}?user_code=${codes.userCode}`,
              expiresInSeconds,
              intervalSeconds
            }
          },
          whereAway,
          asServer
        ),

        poll: Effect.fn("Devices.poll")((deviceCode) => inTransaction(poll(deviceCode)), whereAway, asServer),

        find: Effect.fn("Devices.find")(
          function* (typed) {
            yield* takeAll(limits, [[signInLimits.userCodeByAddress, yield* clientNetwork]])
            const code = readCode(typed)
            if (code === undefined) return yield* noDevice()
            const rows = yield* sql`
              select client_name, user_code, client_address, created_at from device_authorizations
              where user_code = ${code} and ${open}`
            const [row] = decodeAsking(rows)
            if (row === undefined) return yield* noDevice()
            return {
              clientName: row.client_name,
              userCode: row.user_code,
              clientAddress: row.client_address ?? undefined,
              askedAt: row.created_at
            }
          },
          whereAway,
          asServer
        ),

        approve: Effect.fn("Devices.approve")(
          function* (typed, userId, name) {
            yield* takeAll(limits, [[signInLimits.userCodeByAddress, yield* clientNetwork]])
            const memberships = yield* membershipsOf(sql, userId)
            const organization = memberships.find((_) => _.organization.name === name)?.organization
            if (organization === undefined) {
              return yield* new NotFound({
                resource: "organization",
                name,
                detail: `You aren't a member of an organization called "${name}".`
              })
            }
            yield* answer(
              "signIn.approveDevice",
              userId,
              organization,
              sql`
                update device_authorizations set approved_by = ${userId}, organization_id = ${organization.id}
                where user_code = ${readCode(typed) ?? ""} and (${open} or (
                  approved_by = ${userId} and organization_id = ${organization.id} and expires_at > now()))
                returning client_name`
            )
          },
          whereAway,
          asServer
        ),

        deny: Effect.fn("Devices.deny")(
          function* (typed, userId) {
            yield* takeAll(limits, [[signInLimits.userCodeByAddress, yield* clientNetwork]])
            yield* answer(
              "signIn.denyDevice",
              userId,
              undefined,
              sql`
                update device_authorizations set denied_at = coalesce(denied_at, now())
                where user_code = ${readCode(typed) ?? ""} and (${open} or (
                  denied_at is not null and expires_at > now()))
                returning client_name`
            )
          },
          whereAway,
          asServer
        )
      }
    })
  )
