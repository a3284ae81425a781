import type { SqlClient } from "@effect/sql/SqlClient"
import { NotFound } from "@maxcloud/sdk/api"
import { Effect, type Redacted } from "effect"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import type { Audit } from "../audit/Audit.ts"
import type { RateLimits } from "../limits/RateLimits.ts"
import { useOneTime } from "./oneTimeTokens.ts"
import { addOwned } from "./ownedOrganization.ts"
import { confirmRegistration } from "./registerByMail.ts"
import { clientNetwork, signInLimits, takeAll } from "./signInLimits.ts"
import { tellRefused } from "./tellRefused.ts"
import { lockUser, markVerified } from "./userRows.ts"

const noLink = () =>
  new NotFound({
    resource: "token",
    resourceName: "link",
    detail:
      "The link works once, within three days. If your address isn't confirmed yet, sign in with `maxcloud auth login`: the code confirms it too."
  })

const confirm = (sql: SqlClient, audit: typeof Audit.Service, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const registered = yield* confirmRegistration(sql, token)
    if (registered !== undefined) {
      yield* addOwned(sql, audit, { action: "signIn.verify", status: 200 }, registered.organization, registered.user)
      return registered.user
    }
    const row = yield* useOneTime(sql, "verify", token)
    const found = row?.user_id == null ? undefined : yield* lockUser(sql, row.user_id)
    if (found === undefined) return yield* noLink()
    const user = yield* markVerified(sql, found)
    yield* audit.append({
      action: "signIn.verify",
      outcome: "succeeded",
      status: 200,
      subject: `user ${user.id}`,
      person: user
    })
    return user
  })

/** With a mailed link: confirms an address, or creates the account that was requested by mail. */
export const verify = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  limits: typeof RateLimits.Service,
  token: Redacted.Redacted
) =>
  Effect.gen(function* () {
    yield* takeAll(limits, [[signInLimits.verifyByAddress, yield* clientNetwork]])
    return yield* inTransaction(sql, confirm(sql, audit, token))
  }).pipe(Effect.tapErrorTag("NotFound", () => tellRefused(audit, "signIn.verify", 404)))
