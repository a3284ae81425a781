import type { SqlClient } from "@effect/sql/SqlClient"
import { Forbidden } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import type { Caller } from "../access/Caller.ts"
import type { RateLimits } from "../limits/RateLimits.ts"
import type { Mail } from "../mail/Mail.ts"
import { signInLimits, takeAll } from "./signInLimits.ts"
import { lockUser } from "./userRows.ts"
import { mailLink } from "./verifyLink.ts"

const replaceLink = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  publicUrl: string,
  userId: string,
  organization: string
) =>
  Effect.gen(function* () {
    const user = yield* lockUser(sql, userId)
    // Safe to repeat: there's nothing to confirm.
    if (user === undefined || user.verified) return
    yield* sql`delete from one_time_tokens where user_id = ${user.id} and purpose = 'verify'`
    yield* mailLink(sql, mail, publicUrl, user, organization)
  })

/** Mails the link that confirms the caller's address again. */
export const resendVerification = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  limits: typeof RateLimits.Service,
  publicUrl: string,
  { credential, organization, person }: Caller
) =>
  Effect.gen(function* () {
    if (credential.type !== "session" || person === undefined) {
      return yield* new Forbidden({ detail: "Only signed-in people have an address to confirm." })
    }
    yield* takeAll(limits, [[signInLimits.resendByPerson, person.id]])
    yield* inTransaction(sql, replaceLink(sql, mail, publicUrl, person.id, organization.name))
  })
