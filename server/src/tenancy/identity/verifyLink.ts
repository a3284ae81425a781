import type { SqlClient } from "@effect/sql/SqlClient"
import type { UserInfo } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Mail } from "../mail/Mail.ts"
import { linkOf, verifyMail } from "./identityMails.ts"
import { CurrentLanguage } from "./Language.ts"
import { insertOneTime } from "./oneTimeTokens.ts"

export const verifySeconds = 3 * 86_400

/** Mails a person the link that confirms their address. */
export const mailLink = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  publicUrl: string,
  user: UserInfo,
  organization: string | undefined
) =>
  Effect.gen(function* () {
    const token = yield* insertOneTime(sql, "verify", user.id, verifySeconds)
    const link = linkOf(publicUrl, "verify", token)
    yield* mail.add("verify", verifyMail(yield* CurrentLanguage, user.email, organization, link), user.id)
  })
