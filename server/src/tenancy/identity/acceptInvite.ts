import type { SqlClient } from "@effect/sql/SqlClient"
import { NotFound } from "@maxcloud/sdk/api"
import { Effect, type Redacted } from "effect"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import { mayGive } from "../access/policy.ts"
import type { Audit } from "../audit/Audit.ts"
import { recordEvents } from "../events/recordEvents.ts"
import type { RateLimits } from "../limits/RateLimits.ts"
import { lockInvite } from "./inviteRows.ts"
import { insertSession, roleIn } from "./sessionRows.ts"
import { clientNetwork, signInLimits, takeAll } from "./signInLimits.ts"
import { matches } from "./tokens.ts"
import { insertUser, lockUser, proveAddress, userByEmail } from "./userRows.ts"

const noInvite = (why: string) =>
  new NotFound({
    resource: "invite",
    resourceName: "token",
    detail: `${why} Ask the person who invited you for a new one. If you're already a member, run \`maxcloud auth login\`.`
  })

const gone = {
  accepted: "The invite was already accepted.",
  revoked: "The invite was revoked, or a newer one was sent.",
  expired: "The invite has expired."
} as const

/** The token's invite, locked, while it's still valid. */
const openInvite = (sql: SqlClient, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const invite = yield* lockInvite(sql, token)
    if (!matches(token, invite?.token_hash) || invite === undefined) {
      return yield* noInvite("This invite doesn't exist. Check that you copied the whole link.")
    }
    if (invite.state !== "open") return yield* noInvite(gone[invite.state])
    if (invite.invited_by !== null) {
      const inviter = yield* roleIn(sql, invite.invited_by, invite.organization_id)
      if (inviter === undefined || !mayGive([inviter], invite.role)) {
        return yield* noInvite("The sender of this invite can no longer invite people to this role.")
      }
    }
    return invite
  })

/** An account for the address that the invite was mailed to, which confirms the address. */
const personOf = (sql: SqlClient, email: string) =>
  Effect.gen(function* () {
    const made = yield* insertUser(sql, email, true)
    if (made !== undefined) return made
    const known = yield* userByEmail(sql, email)
    const locked = known === undefined ? undefined : yield* lockUser(sql, known.id)
    if (locked === undefined) return yield* noInvite("The account was deleted just now.")
    return yield* proveAddress(sql, locked)
  })

const accept = (sql: SqlClient, audit: typeof Audit.Service, sessionDays: number, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const invite = yield* openInvite(sql, token)
    const organization = { id: invite.organization_id, name: invite.organization }
    const user = yield* personOf(sql, invite.email)
    const added = yield* sql`
      insert into memberships (organization_id, user_id, role)
      values (${organization.id}, ${user.id}, ${invite.role}) on conflict do nothing returning 1`
    if (added.length > 0) {
      yield* recordEvents(organization.id, {
        type: "member.added",
        subject: `members/${user.id}`,
        userId: user.id,
        data: { userId: user.id, role: invite.role }
      })
    }
    yield* sql`
      update invites set accepted_at = now() where organization_id = ${organization.id} and id = ${invite.id}`
    const role = (yield* roleIn(sql, user.id, organization.id)) ?? invite.role
    const grant = yield* insertSession(sql, user, { organization, role }, sessionDays)
    yield* audit.append({
      action: "signIn.acceptInvite",
      outcome: "succeeded",
      status: 201,
      subject: `invite ${invite.id} as ${role}`,
      organizationId: organization.id,
      person: user
    })
    return grant
  })

/** Makes the holder of the mailed link a member, with a new account if there's none yet, and signs them in. */
export const acceptInvite = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  limits: typeof RateLimits.Service,
  sessionDays: number,
  token: Redacted.Redacted
) =>
  Effect.gen(function* () {
    yield* takeAll(limits, [[signInLimits.acceptByAddress, yield* clientNetwork]])
    return yield* inTransaction(sql, accept(sql, audit, sessionDays, token)).pipe(
      Effect.tapErrorTag("NotFound", () =>
        audit.append({
          action: "signIn.acceptInvite",
          outcome: "refused",
          status: 404,
          subject: "without a valid invite"
        })
      )
    )
  })
