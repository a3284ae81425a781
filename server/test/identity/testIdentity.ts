import { OrganizationName } from "@maxcloud/config-schema"
import { Email, Role, type SessionGrant, SessionId, TooManyRequests } from "@maxcloud/sdk/api"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import type { Caller } from "../../src/tenancy/access/Caller.ts"
import { Audit, type Happening } from "../../src/tenancy/audit/Audit.ts"
import { Accounts } from "../../src/tenancy/identity/Accounts.ts"
import type { IdentityOptions } from "../../src/tenancy/identity/IdentityOptions.ts"
import * as PostgresAccounts from "../../src/tenancy/identity/PostgresAccounts.ts"
import * as PostgresDevices from "../../src/tenancy/identity/PostgresDevices.ts"
import * as PostgresInvites from "../../src/tenancy/identity/PostgresInvites.ts"
import * as PostgresMembers from "../../src/tenancy/identity/PostgresMembers.ts"
import * as PostgresSessions from "../../src/tenancy/identity/PostgresSessions.ts"
import { hexOf, parseToken } from "../../src/tenancy/identity/tokens.ts"
import { RateLimits } from "../../src/tenancy/limits/RateLimits.ts"
import { Mail, type Message } from "../../src/tenancy/mail/Mail.ts"
import { layer as organizations } from "../../src/tenancy/organizations/Organizations.ts"
import { layerTest } from "../database/layerTest.ts"
import { layerTest as keysTest } from "../keys/layerTest.ts"

/** The mails, the audit log and the rate limits as tests see them: in-memory stand-ins. */
export class Seen extends Context.Tag("@maxcloud/server/test/Seen")<
  Seen,
  {
    readonly mails: Array<Message>
    readonly told: Array<Happening>
    readonly taken: Array<string>
    /** Names of exhausted limits. */
    readonly usedUp: Set<string>
  }
>() {
  static readonly layer = Layer.sync(Seen, () => ({ mails: [], told: [], taken: [], usedUp: new Set<string>() }))
}

const standIns = Layer.mergeAll(
  Layer.effect(
    Mail,
    Effect.map(Seen, ({ mails }) => ({ add: (_kind, message) => Effect.sync(() => void mails.push(message)) }))
  ),
  Layer.unwrapEffect(
    Effect.map(Seen, ({ told }) =>
      Layer.mock(Audit, { append: (happening) => Effect.sync(() => void told.push(happening)) })
    )
  ),
  Layer.effect(
    RateLimits,
    Effect.map(Seen, ({ taken, usedUp }) => ({
      take: (limit, key) =>
        usedUp.has(limit.name)
          ? Effect.fail(new TooManyRequests({ detail: "too many", retryAfterSeconds: 30 }))
          : Effect.sync(() => {
              taken.push(key)
              return { limit, remaining: limit.quota, resetSeconds: 0 }
            })
    }))
  )
).pipe(Layer.provideMerge(Seen.layer))

export const publicUrl = "https://cloud.example.com"

/** Everything about people, on a real database. */
export const testIdentity = (options: Partial<IdentityOptions> = {}) => {
  const all: IdentityOptions = { registration: "open", publicUrl, signInFloorMs: 0, ...options }
  return Layer.mergeAll(
    PostgresAccounts.layer(all),
    PostgresDevices.layer(all),
    PostgresSessions.layer(all),
    PostgresMembers.layer,
    PostgresInvites.layer(all),
    organizations
  ).pipe(Layer.provideMerge(standIns), Layer.provideMerge(keysTest), Layer.provideMerge(layerTest))
}

let made = 0

/** Separate names for each test: they share a database. */
export const newNames = (prefix = "t") => {
  const n = ++made
  return { email: Email.make(`${prefix}${n}@example.com`), organization: OrganizationName.make(`${prefix}-org-${n}`) }
}

/** The newest mail to an address. */
export const mailTo = (email: string) =>
  Effect.flatMap(Seen, ({ mails }) =>
    Effect.fromNullable(mails.findLast((mail) => mail.to === email)).pipe(
      Effect.orElse(() => Effect.dieMessage(`no mail to ${email}`))
    )
  )

/** The token of the link in the newest mail to an address. */
export const tokenTo = (email: string) =>
  Effect.map(mailTo(email), ({ text }) => Redacted.make(/token=(\S+)/.exec(text)?.[1] ?? "no link"))

/** The code in the newest mail to an address. */
export const codeTo = (email: string) =>
  Effect.map(mailTo(email), ({ text }) => Redacted.make(/^[A-Z]{4}-[A-Z]{4}$/m.exec(text)?.[0] ?? "no code"))

/** The caller of a session. */
export const callerWith = (grant: SessionGrant, organizationId: Caller["organization"]["id"]): Caller => ({
  organization: { id: organizationId, name: grant.organization },
  roles: [Schema.decodeUnknownSync(Role)(grant.role)],
  scopes: undefined,
  credential: { type: "session", id: SessionId.make(`ses_${hexOf(parseToken("session", grant.token)?.id ?? "")}`) },
  person: grant.user
})

/** Signs in on the page with the mailed code. */
export const signIn = (email: string) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const { challenge } = yield* accounts.beginSignIn(email)
    return yield* accounts.finishSignIn(challenge, yield* codeTo(email))
  })
