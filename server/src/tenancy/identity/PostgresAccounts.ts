import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationName } from "@maxcloud/config-schema"
import type { Registration, UserId } from "@maxcloud/sdk/api"
import { Effect, Layer, type Redacted } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import type { Caller } from "../access/Caller.ts"
import { Audit } from "../audit/Audit.ts"
import { RateLimits } from "../limits/RateLimits.ts"
import { Mail } from "../mail/Mail.ts"
import { Accounts } from "./Accounts.ts"
import { newBootstrapToken } from "./bootstrapToken.ts"
import { createOrganization } from "./createOrganization.ts"
import type { IdentityOptions } from "./IdentityOptions.ts"
import { register } from "./register.ts"
import { registerByMail } from "./registerByMail.ts"
import { resendVerification } from "./resendVerification.ts"
import { beginSignIn, finishSignIn } from "./signIn.ts"
import { browserPerson } from "./signInByCode.ts"
import { verify } from "./verify.ts"
import { whereAway } from "./whereAway.ts"

/** `Accounts` in the tables `users` and `one_time_tokens`. */
export const layer = (options: IdentityOptions) =>
  Layer.effect(
    Accounts,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const mail = yield* Mail
      const keys = yield* DataKeys
      const audit = yield* Audit
      const limits = yield* RateLimits

      const byMail = Effect.fn("Accounts.registerByMail")(
        (input: Registration) => registerByMail(sql, mail, audit, limits, options, input),
        whereAway,
        asServer
      )
      const atOnce = Effect.fn("Accounts.register")(
        (input: Registration) => register(sql, mail, audit, limits, options, input),
        whereAway,
        asServer
      )

      return {
        enroll: (input: Registration) =>
          options.registersByMail === true && input.bootstrapToken === undefined ? byMail(input) : atOnce(input),
        register: atOnce,
        createOrganization: Effect.fn("Accounts.createOrganization")(
          (userId: UserId, name: OrganizationName) => createOrganization(sql, audit, limits, options, userId, name),
          whereAway,
          asServer
        ),
        isOpen: Effect.succeed(options.registration === "open"),
        verify: Effect.fn("Accounts.verify")(
          (token: Redacted.Redacted) => verify(sql, audit, limits, token),
          whereAway,
          asServer
        ),
        resendVerification: Effect.fn("Accounts.resendVerification")(
          (caller: Caller) => resendVerification(sql, mail, limits, options.publicUrl, caller),
          whereAway,
          asServer
        ),
        beginSignIn: Effect.fn("Accounts.beginSignIn")(
          (email: string) => beginSignIn(sql, mail, keys, limits, options, email),
          whereAway,
          asServer
        ),
        finishSignIn: Effect.fn("Accounts.finishSignIn")(
          (challenge: string, code: Redacted.Redacted) => finishSignIn(sql, audit, limits, challenge, code),
          whereAway,
          asServer
        ),
        browserPerson: Effect.fn("Accounts.browserPerson")((token) => browserPerson(sql, token), whereAway, asServer),
        bootstrapToken: inTransaction(sql, newBootstrapToken(sql)).pipe(
          whereAway,
          asServer,
          Effect.withSpan("Accounts.bootstrapToken")
        )
      }
    })
  )
