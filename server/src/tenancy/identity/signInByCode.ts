import type { SqlClient } from "@effect/sql/SqlClient"
import { NotFound, UserId } from "@maxcloud/sdk/api"
import { Effect, Redacted, Schema } from "effect"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import type { Audit } from "../audit/Audit.ts"
import type { Mail } from "../mail/Mail.ts"
import { newCode, readCode } from "./codes.ts"
import { signInMail } from "./identityMails.ts"
import { CurrentLanguage } from "./Language.ts"
import { insertOneTime, lockOneTime } from "./oneTimeTokens.ts"
import { endCodes, keepCode, standingCode } from "./standingCode.ts"
import { derivedToken, digestOf, hexOf, matches, parseToken } from "./tokens.ts"
import { lockUser, proveAddress, userByEmail } from "./userRows.ts"

const codeSeconds = 600
const attempts = 5
/** How long the sign-in page remembers a signed-in person. */
export const browserSeconds = 900

/** Stored for a challenge: without the challenge's own secret, the code can't be found from it by brute force. */
const both = (challenge: Redacted.Redacted, code: string) => `${Redacted.value(challenge)} ${code}`

/**
 * Creates a challenge whether the account exists or not; only an account gets mail. Each browser has its own challenge
 * with its own attempts, so nobody uses up another's. All challenges begun while a mailed code is valid accept that
 * code, so the mail's reader can sign in even if others have requested codes. `mayMail`: false if the mail limit is
 * reached, and the valid code must do.
 */
export const beginChallenge = (
  sql: SqlClient,
  mail: typeof Mail.Service,
  keys: typeof DataKeys.Service,
  email: string,
  mayMail: boolean
) =>
  Effect.gen(function* () {
    const found = yield* userByEmail(sql, email)
    // If two sign-ins begin at once, the later one must see the earlier one's code.
    const user = found === undefined ? undefined : yield* lockUser(sql, found.id)
    const standing = user === undefined ? undefined : yield* standingCode(sql, keys, user.id)
    const code = standing ?? newCode()
    const challenge = yield* insertOneTime(sql, "signIn", user?.id, codeSeconds, (one) => digestOf(both(one, code)))
    if (user === undefined) return challenge
    if (standing === undefined) yield* keepCode(sql, keys, challenge, Redacted.make(code))
    // If no code is valid, mail one in any case: the reader of the mail used the last one, or it expired.
    if (mayMail || standing === undefined)
      yield* mail.add("signIn", signInMail(yield* CurrentLanguage, user.email, code), user.id)
    return challenge
  })

export const wrongCode = () =>
  new NotFound({
    resource: "token",
    resourceName: "code",
    detail: `The code is wrong or has expired. Codes are valid for ${codeSeconds / 60} minutes and ${attempts} attempts. Request a new one.`
  })

/**
 * The person of a challenge and its code, and the token by which the page remembers them; undefined if they don't match.
 * Commit that too, because the attempt counts.
 */
export const finishChallenge = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  challenge: Redacted.Redacted,
  typed: Redacted.Redacted
) =>
  Effect.gen(function* () {
    const row = yield* lockOneTime(sql, "signIn", challenge)
    const code = readCode(Redacted.value(typed)) ?? ""
    const { hash, token } = derivedToken("oneTime", hexOf(row?.id ?? ""), challenge, `browser ${code}`)
    const isUsed = row?.used_at != null
    const right = matches(isUsed ? token : both(challenge, code), row?.token_hash)
    if (row === undefined || row.expired || row.attempts >= attempts) return undefined
    // A button that's pressed twice sends the code twice, and the browser uses the later answer.
    if (isUsed && !row.used_just_now) return undefined
    yield* sql`update one_time_tokens set attempts = attempts + 1 where id = ${row.id}`
    if (!right || row.user_id === null) return undefined
    const found = yield* lockUser(sql, row.user_id)
    if (found === undefined) return undefined
    if (isUsed) return { userId: found.id, email: found.email, browserToken: token }
    const user = yield* proveAddress(sql, found)
    yield* sql`
      update one_time_tokens set used_at = now(), token_hash = ${hash},
        expires_at = now() + ${browserSeconds} * interval '1 second'
      where id = ${row.id}`
    yield* endCodes(sql, user.id)
    yield* audit.append({
      action: "signIn.signIn",
      outcome: "succeeded",
      status: 200,
      subject: "sign-in page",
      person: user
    })
    return { userId: user.id, email: user.email, browserToken: token }
  })

const decodeBrowser = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: UserId, email: Schema.String, token_hash: Schema.Uint8ArrayFromSelf }))
)

/** The person who signed in at the sign-in page with this token, while it's valid. */
export const browserPerson = (sql: SqlClient, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const parsed = parseToken("oneTime", token)
    if (parsed === undefined) return undefined
    const rows = yield* sql`
      select users.id, users.email, one_time_tokens.token_hash
      from one_time_tokens join users on users.id = one_time_tokens.user_id
      where one_time_tokens.id = ${`ott_${parsed.id}`} and purpose = 'signIn'
        and used_at is not null and expires_at > now()`
    const [row] = decodeBrowser(rows)
    return matches(token, row?.token_hash) && row !== undefined ? { userId: row.id, email: row.email } : undefined
  })
