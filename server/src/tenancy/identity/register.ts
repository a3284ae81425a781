import type { SqlClient } from "@effect/sql/SqlClient"
import { Conflict, type Registration } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import type { Audit } from "../audit/Audit.ts"
import type { RateLimits } from "../limits/RateLimits.ts"
import type { Mail } from "../mail/Mail.ts"
import { takeBootstrap } from "./bootstrapToken.ts"
import { defaultSessionDays, type IdentityOptions } from "./IdentityOptions.ts"
import { registeredMail } from "./identityMails.ts"
import { CurrentLanguage } from "./Language.ts"
import { mayRegister } from "./mayRegister.ts"
import { insertOwned } from "./ownedOrganization.ts"
import { insertSession } from "./sessionRows.ts"
import { tellRefused } from "./tellRefused.ts"
import { insertUser, normalEmail } from "./userRows.ts"
import { mailLink } from "./verifyLink.ts"

const registerNow = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  audit: typeof Audit.Service,
  options: IdentityOptions,
  { bootstrapToken, email, organization: name }: Registration
) =>
  Effect.gen(function* () {
    const bootstraps = bootstrapToken !== undefined
    if (bootstraps) yield* takeBootstrap(sql, bootstrapToken)
    const user = yield* insertUser(sql, email, bootstraps)
    if (user === undefined) {
      return yield* new Conflict({
        detail: `An account with the address ${normalEmail(email)} already exists. Run \`maxcloud auth login\`.`
      })
    }
    const organization = yield* insertOwned(sql, name, user.id)
    const days = options.sessionDays ?? defaultSessionDays
    const grant = yield* insertSession(sql, user, { organization, role: "owner" }, days)
    yield* bootstraps
      ? mail.add("registered", registeredMail(yield* CurrentLanguage, user.email, name, options.publicUrl), user.id)
      : mailLink(sql, mail, options.publicUrl, user, name)
    yield* audit.append({
      action: "signIn.register",
      outcome: "succeeded",
      status: 201,
      subject: `organization ${name}`,
      organizationId: organization.id,
      person: user
    })
    return grant
  })

/** Creates an account, the organization that it owns, and a session, at once. */
export const register = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  audit: typeof Audit.Service,
  limits: typeof RateLimits.Service,
  options: IdentityOptions,
  input: Registration
) =>
  mayRegister(limits, options, input).pipe(
    Effect.andThen(inTransaction(sql, registerNow(sql, mail, audit, options, input))),
    Effect.tapErrorTag("Forbidden", () => tellRefused(audit, "signIn.register", 403))
  )
