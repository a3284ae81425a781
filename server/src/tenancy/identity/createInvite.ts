import type { SqlClient } from "@effect/sql/SqlClient"
import { Conflict, type Email, Forbidden, type Role } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { newId } from "../../base/database/newId.ts"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import type { Caller } from "../access/Caller.ts"
import { mayGive } from "../access/policy.ts"
import type { Audit } from "../audit/Audit.ts"
import type { RateLimits } from "../limits/RateLimits.ts"
import type { Mail } from "../mail/Mail.ts"
import { inviteMail, linkOf } from "./identityMails.ts"
import { insertInvite } from "./inviteRows.ts"
import { CurrentLanguage } from "./Language.ts"
import { roleIn } from "./sessionRows.ts"
import { signInLimits, takeAll } from "./signInLimits.ts"
import { hexOf, newToken } from "./tokens.ts"
import { normalEmail, userByEmail } from "./userRows.ts"

export interface NewInvite {
  readonly email: Email
  readonly role: Role
  readonly expiresInSeconds: number
}

/** The person with this address, if the account exists. Fails for a member. Revokes the address's open invites. */
const replaceOthers = (sql: SqlClient, organizationId: string, email: string) =>
  Effect.gen(function* () {
    // If two invites of one address are made at once, the later one must see the earlier one, and replace it.
    yield* sql`select 1 from organizations where id = ${organizationId} for no key update`
    const user = yield* userByEmail(sql, email)
    if (user !== undefined && (yield* roleIn(sql, user.id, organizationId)) !== undefined) {
      return yield* new Conflict({
        detail: `${email} is already a member. Change the role with \`maxcloud org members\`.`
      })
    }
    yield* sql`
      update invites set revoked_at = now()
      where organization_id = ${organizationId} and email = ${email}
        and accepted_at is null and revoked_at is null`
    return user
  })

const addInvite = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  audit: typeof Audit.Service,
  publicUrl: string,
  { organization, person }: Caller,
  { email: typed, expiresInSeconds, role }: NewInvite
) =>
  Effect.gen(function* () {
    const email = normalEmail(typed)
    const user = yield* replaceOthers(sql, organization.id, email)
    const id = newId("inv")
    const { hash, token } = newToken("invite", hexOf(id))
    const invitedBy = person?.id
    const invite = yield* insertInvite(sql, organization.id, { id, email, role, hash, invitedBy, expiresInSeconds })
    const told = { organization: organization.name, role, by: person?.email, expiresAt: new Date(invite.expiresAt) }
    const link = linkOf(publicUrl, "accept-invite", token)
    yield* mail.add("invite", inviteMail(yield* CurrentLanguage, email, told, link), user?.id)
    yield* audit.append({
      action: "auth.createInvite",
      outcome: "succeeded",
      status: 201,
      subject: `invite ${id} as ${role}`,
      organizationId: organization.id
    })
    return invite
  })

/** Mails an invite, in place of any open one for the address. */
export const createInvite = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  audit: typeof Audit.Service,
  limits: typeof RateLimits.Service,
  publicUrl: string,
  caller: Caller,
  input: NewInvite
) =>
  Effect.gen(function* () {
    if (!mayGive(caller.roles, input.role)) {
      return yield* new Forbidden({
        detail: `Your role can't invite anybody as ${input.role}. Nobody grants more than they have.`
      })
    }
    yield* takeAll(limits, [
      [signInLimits.inviteByOrganization, caller.organization.id],
      [signInLimits.inviteByEmail, normalEmail(input.email)]
    ])
    return yield* inTransaction(sql, addInvite(sql, mail, audit, publicUrl, caller, input))
  })
