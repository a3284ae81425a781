import type { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { type Conflict, Email, type Registration, type RegistrationMailed } from "@maxcloud/sdk/api"
import { Effect, type Redacted, Schema } from "effect"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import type { Audit } from "../audit/Audit.ts"
import type { RateLimits } from "../limits/RateLimits.ts"
import type { Mail } from "../mail/Mail.ts"
import type { IdentityOptions } from "./IdentityOptions.ts"
import { hasAccountMail, linkOf, registerMail } from "./identityMails.ts"
import { CurrentLanguage } from "./Language.ts"
import { mayRegister } from "./mayRegister.ts"
import { noSooner } from "./noSooner.ts"
import { idOfOneTime, insertOneTime, useOneTime } from "./oneTimeTokens.ts"
import { nameTaken } from "./ownedOrganization.ts"
import { tellRefused } from "./tellRefused.ts"
import { insertUser, normalEmail, userByEmail } from "./userRows.ts"
import { verifySeconds } from "./verifyLink.ts"

const decodePending = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ email: Email, organization: OrganizationName }))
)

/**
 * Mails a link that creates the account, or, if the address has one, how to sign in to it. Until the link is opened
 * nothing is created, so neither the answer nor anything afterwards reveals whether the address has an account. Whether
 * an organization's name is taken isn't secret: its hosts contain it.
 */
const mailRegistration = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  publicUrl: string,
  { email: typed, organization: name }: Registration
): Effect.Effect<RegistrationMailed, Conflict | Effect.Effect.Error<ReturnType<(typeof Mail.Service)["add"]>>> =>
  Effect.gen(function* () {
    const email = normalEmail(typed)
    const taken = yield* sql`select 1 from organizations where name = ${name}`
    if (taken.length > 0) return yield* nameTaken(name)
    const language = yield* CurrentLanguage
    const user = yield* userByEmail(sql, email)
    if (user === undefined) {
      const token = yield* insertOneTime(sql, "register", undefined, verifySeconds)
      yield* sql`
        update one_time_tokens set email = ${email}, organization = ${name} where id = ${idOfOneTime(token)}`
      yield* mail.add("verify", registerMail(language, email, name, linkOf(publicUrl, "verify", token)))
    } else {
      yield* mail.add("registered", hasAccountMail(language, user.email, name, publicUrl), user.id)
    }
    return { state: "mailed", email }
  })

/** Registers somebody who still has to open the mailed link. */
export const registerByMail = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  audit: typeof Audit.Service,
  limits: typeof RateLimits.Service,
  options: IdentityOptions,
  input: Registration
) =>
  Effect.gen(function* () {
    yield* mayRegister(limits, options, input)
    const mailed = Effect.tap(mailRegistration(sql, mail, options.publicUrl, input), () =>
      audit.append({
        action: "signIn.register",
        outcome: "succeeded",
        status: 202,
        subject: `organization ${input.organization}, by mail`
      })
    )
    return yield* noSooner(options, inTransaction(sql, mailed))
  }).pipe(Effect.tapErrorTag("Forbidden", () => tellRefused(audit, "signIn.register", 403)))

/**
 * The person who requested this link with `registerByMail`, now with an account, and the requested organization.
 * Undefined if `registerByMail` didn't send this link.
 */
export const confirmRegistration = (sql: SqlClient, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const used = yield* useOneTime(sql, "register", token)
    if (used === undefined) return undefined
    const rows = yield* sql`select email, organization from one_time_tokens where id = ${used.id}`
    const [pending] = decodePending(rows)
    if (pending === undefined) return undefined
    // The address is confirmed, and in `users` from here on, so other requests for it are void. Those being opened right
    // now see the account, and create nothing.
    yield* sql`
      delete from one_time_tokens where id in (
        select id from one_time_tokens where email = ${pending.email} and id <> ${used.id} for update skip locked)`
    yield* sql`update one_time_tokens set email = null, organization = null where id = ${used.id}`
    const user = yield* insertUser(sql, pending.email, true)
    return user === undefined ? undefined : { user, organization: pending.organization }
  })
