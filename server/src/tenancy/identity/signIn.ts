import type { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Redacted } from "effect"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import type { Audit } from "../audit/Audit.ts"
import type { RateLimits } from "../limits/RateLimits.ts"
import type { Mail } from "../mail/Mail.ts"
import type { IdentityOptions } from "./IdentityOptions.ts"
import { noSooner } from "./noSooner.ts"
import { beginChallenge, finishChallenge, wrongCode } from "./signInByCode.ts"
import { clientNetwork, signInLimits, takeAll } from "./signInLimits.ts"
import { tellRefused } from "./tellRefused.ts"
import { normalEmail } from "./userRows.ts"

export const beginSignIn = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  keys: typeof DataKeys.Service,
  limits: typeof RateLimits.Service,
  options: IdentityOptions,
  typed: string
) =>
  Effect.gen(function* () {
    const email = normalEmail(typed)
    const network = yield* clientNetwork
    yield* takeAll(limits, [
      [signInLimits.beginByAddress, network],
      [signInLimits.beginByBoth, `${email} ${network}`]
    ])
    const mayMail = yield* takeAll(limits, [[signInLimits.mailByEmail, email]]).pipe(
      Effect.as(true),
      Effect.catchTag("TooManyRequests", () => Effect.succeed(false))
    )
    const begin = inTransaction(sql, beginChallenge(sql, mail, keys, email, mayMail))
    return { challenge: Redacted.value(yield* noSooner(options, begin)) }
  })

export const finishSignIn = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  limits: typeof RateLimits.Service,
  challenge: string,
  code: Redacted.Redacted
) =>
  Effect.gen(function* () {
    yield* takeAll(limits, [[signInLimits.finishByAddress, yield* clientNetwork]])
    const person = yield* inTransaction(sql, finishChallenge(sql, audit, Redacted.make(challenge), code))
    if (person !== undefined) return person
    yield* tellRefused(audit, "signIn.signIn", 404)
    return yield* wrongCode()
  })
