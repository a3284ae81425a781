import { SqlClient } from "@effect/sql/SqlClient"
import { Conflict, type Email, Forbidden, type InviteId, NotFound, type Role } from "@maxcloud/sdk/api"
import { Effect, Layer, type Redacted } from "effect"
import { newId } from "../../base/database/newId.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { transaction } from "../../base/database/sqlErrors.ts"
import type { Caller } from "../access/Caller.ts"
import { mayGive } from "../access/policy.ts"
import { Audit } from "../audit/Audit.ts"
import { RateLimits } from "../limits/RateLimits.ts"
import { Mail } from "../mail/Mail.ts"
import { defaultSessionDays, type IdentityOptions } from "./IdentityOptions.ts"
import { inviteMail, linkOf } from "./identityMails.ts"
import { insertInvite, listInvites, lockInvite } from "./inviteRows.ts"
import { CurrentLanguage } from "./Language.ts"
import { Invites } from "./Members.ts"
import { insertSession, membershipsOf } from "./sessionRows.ts"
import { clientNetwork, signInLimits, takeAll } from "./signInLimits.ts"
import { hexOf, matches, newToken } from "./tokens.ts"
import { insertUser, lockUser, normalEmail, proveAddress, userByEmail } from "./userRows.ts"
import { whereAway } from "./whereAway.ts"

interface NewInvite {
  readonly email: Email
  readonly role: Role
  readonly expiresInSeconds: number
}

const noInvite = (why: string) =>
  new NotFound({
    resource: "invite",
    name: "token",
    detail: `${why} Ask who invited you for a new one; if you are a member already, run \`maxcloud auth login\`.`
  })

const gone = {
  accepted: "The invite was accepted already.",
  revoked: "The invite was taken back, or a newer one was sent.",
  expired: "The invite has expired."
} as const

/** `Invites` in the table `invites`. */
export const layer = (options: IdentityOptions) =>
  Layer.effect(
    Invites,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const mail = yield* Mail
      const audit = yield* Audit
      const limits = yield* RateLimits
      const inTransaction = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.provideService(transaction(effect), SqlClient, sql)

      const roleIn = (userId: string, organizationId: string) =>
        Effect.map(membershipsOf(sql, userId), (all) => all.find((_) => _.organization.id === organizationId)?.role)

      const create = (caller: Caller, { email: typed, expiresInSeconds, role }: NewInvite) =>
        Effect.gen(function* () {
          const { organization, person } = caller
          const email = normalEmail(typed)
          // Of two invites of one address at once, the later is to see the earlier, and replaces it.
          yield* sql`select 1 from organizations where id = ${organization.id} for no key update`
          const user = yield* userByEmail(sql, email)
          if (user !== undefined && (yield* roleIn(user.id, organization.id)) !== undefined) {
            return yield* new Conflict({
              detail: `${email} is a member already: change the role with \`maxcloud org members\`.`
            })
          }
          yield* sql`
            update invites set revoked_at = now()
            where organization_id = ${organization.id} and email = ${email}
              and accepted_at is null and revoked_at is null`
          const id = newId("inv")
          const { hash, token } = newToken("invite", hexOf(id))
          const invitedBy = person?.id
          const invite = yield* insertInvite(sql, organization.id, {
            id,
            email,
            role,
            hash,
            invitedBy,
            expiresInSeconds
          })
          const told = {
            organization: organization.name,
            role,
            by: person?.email,
            expiresAt: new Date(invite.expiresAt)
          }
          const link = linkOf(options.publicUrl, "accept-invite", token)
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

      /** An account for the address that the invite's mail went to, which it proves. */
      const personOf = (email: string) =>
        Effect.gen(function* () {
          const made = yield* insertUser(sql, email, true)
          if (made !== undefined) return made
          const known = yield* userByEmail(sql, email)
          const locked = known === undefined ? undefined : yield* lockUser(sql, known.id)
          if (locked === undefined) return yield* noInvite("The account was deleted at this moment.")
          return yield* proveAddress(sql, locked)
        })

      const accept = (token: Redacted.Redacted) =>
        Effect.gen(function* () {
          const invite = yield* lockInvite(sql, token)
          if (!matches(token, invite?.token_hash) || invite === undefined) {
            return yield* noInvite("This invite doesn't exist. Check that you copied the whole link.")
          }
          if (invite.state !== "open") return yield* noInvite(gone[invite.state])
          const organization = { id: invite.organization_id, name: invite.organization }
          if (invite.invited_by !== null) {
            const inviter = yield* roleIn(invite.invited_by, organization.id)
            if (inviter === undefined || !mayGive([inviter], invite.role)) {
              return yield* noInvite("The sender of this invite can no longer invite people to this role.")
            }
          }
          const user = yield* personOf(invite.email)
          yield* sql`
            insert into memberships (organization_id, user_id, role)
            values (${organization.id}, ${user.id}, ${invite.role}) on conflict do nothing`
          yield* sql`
            update invites set accepted_at = now() where organization_id = ${organization.id} and id = ${invite.id}`
          const role = (yield* roleIn(user.id, organization.id)) ?? invite.role
          const days = options.sessionDays ?? defaultSessionDays
          const grant = yield* insertSession(sql, user, { organization, role }, days)
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

      const revoke = ({ organization }: Caller, id: InviteId) =>
        Effect.gen(function* () {
          const rows = yield* sql`
            update invites set revoked_at = now()
            where organization_id = ${organization.id} and id = ${id}
              and accepted_at is null and revoked_at is null returning id`
          if (rows.length === 0) {
            return yield* new NotFound({
              resource: "invite",
              name: id,
              detail: `There is no open invite ${id}: \`maxcloud auth invites list\` tells their states.`
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

      return {
        list: Effect.fn("Invites.list")((caller) => listInvites(sql, caller.organization.id), whereAway, asServer),

        create: Effect.fn("Invites.create")(
          function* (caller, input) {
            if (!mayGive(caller.roles, input.role)) {
              return yield* new Forbidden({
                detail: `Your role may not make anybody ${input.role}: nobody gives more than they have.`
              })
            }
            yield* takeAll(limits, [
              [signInLimits.inviteByOrganization, caller.organization.id],
              [signInLimits.inviteByEmail, normalEmail(input.email)]
            ])
            return yield* inTransaction(create(caller, input))
          },
          whereAway,
          asServer
        ),

        revoke: Effect.fn("Invites.revoke")((caller, id) => inTransaction(revoke(caller, id)), whereAway, asServer),

        accept: Effect.fn("Invites.accept")(
          function* (token) {
            yield* takeAll(limits, [[signInLimits.acceptByAddress, yield* clientNetwork]])
            return yield* inTransaction(accept(token)).pipe(
              Effect.tapErrorTag("NotFound", () =>
                audit.append({
                  action: "signIn.acceptInvite",
                  outcome: "refused",
                  status: 404,
                  subject: "without a good invite"
                })
              )
            )
          },
          whereAway,
          asServer
        )
      }
    })
  )
