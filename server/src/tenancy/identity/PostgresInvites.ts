import { SqlClient } from "@effect/sql/SqlClient"
import { type InviteId, NotFound } from "@maxcloud/sdk/api"
import { Effect, Layer, type Redacted } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import type { Caller } from "../access/Caller.ts"
import { Audit } from "../audit/Audit.ts"
import { RateLimits } from "../limits/RateLimits.ts"
import { Mail } from "../mail/Mail.ts"
import { acceptInvite } from "./acceptInvite.ts"
import { createInvite, type NewInvite } from "./createInvite.ts"
import { defaultSessionDays, type IdentityOptions } from "./IdentityOptions.ts"
import { pageOfInvites } from "./inviteRows.ts"
import { Invites } from "./Members.ts"
import { whereAway } from "./whereAway.ts"

const revoke = (sql: SqlClient, audit: typeof Audit.Service, { organization }: Caller, id: InviteId) =>
  Effect.gen(function* () {
    const rows = yield* sql`
      update invites set revoked_at = now()
      where organization_id = ${organization.id} and id = ${id}
        and accepted_at is null and revoked_at is null returning id`
    if (rows.length === 0) {
      return yield* new NotFound({
        resource: "invite",
        resourceName: id,
        detail: `There's no open invite ${id}. \`maxcloud auth invites list\` shows their states.`
      })
    }
    yield* audit.append({
      action: "auth.revokeInvite",
      outcome: "succeeded",
      status: 204,
      subject: `invite ${id}`,
      organizationId: organization.id
    })
  })

/** `Invites` in the table `invites`. */
export const layer = ({ publicUrl, sessionDays = defaultSessionDays }: IdentityOptions) =>
  Layer.effect(
    Invites,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const mail = yield* Mail
      const audit = yield* Audit
      const limits = yield* RateLimits

      return {
        page: Effect.fn("Invites.page")(
          (caller, filter, paging) => pageOfInvites(sql, caller.organization.id, filter, paging),
          whereAway,
          asServer
        ),
        create: Effect.fn("Invites.create")(
          (caller: Caller, input: NewInvite) => createInvite(sql, mail, audit, limits, publicUrl, caller, input),
          whereAway,
          asServer
        ),
        revoke: Effect.fn("Invites.revoke")(
          (caller: Caller, id: InviteId) => inTransaction(sql, revoke(sql, audit, caller, id)),
          whereAway,
          asServer
        ),
        accept: Effect.fn("Invites.accept")(
          (token: Redacted.Redacted) => acceptInvite(sql, audit, limits, sessionDays, token),
          whereAway,
          asServer
        )
      }
    })
  )
