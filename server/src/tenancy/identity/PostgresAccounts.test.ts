import { SqlClient } from "@effect/sql/SqlClient"
import { assert, layer as describeOn, expect } from "@effect/vitest"
import { OrganizationName } from "@maxcloud/config-schema"
import type { Registration } from "@maxcloud/sdk/api"
import { Context, Duration, Effect, Either, Layer, Redacted } from "effect"
import {
  callerWith,
  codeTo,
  newNames,
  publicUrl,
  Seen,
  signIn,
  testIdentity,
  tokenTo
} from "../../../test/identity/testIdentity.ts"
import { newId } from "../../base/database/newId.ts"
import { Organizations } from "../organizations/Organizations.ts"
import { Accounts, Sessions } from "./Accounts.ts"
import type { IdentityOptions } from "./IdentityOptions.ts"
import * as PostgresAccounts from "./PostgresAccounts.ts"
import { hexOf, matches, newToken, parseToken } from "./tokens.ts"

const register = (input: Registration) => Effect.flatMap(Accounts, (accounts) => accounts.register(input))

const registered = Effect.gen(function* () {
  const names = newNames()
  const grant = yield* register(names)
  const organization = yield* Effect.flatMap(Organizations, (organizations) =>
    organizations.find(names.organization)
  ).pipe(Effect.flatMap(Effect.orDie))
  return { ...names, grant, caller: callerWith(grant, organization.id), organizationId: organization.id }
})

const count = (table: string, userId: string) =>
  Effect.flatMap(SqlClient, (sql) => sql`select 1 from ${sql(table)} where user_id = ${userId}`).pipe(
    Effect.map((found) => found.length)
  )

/** Accounts of the same database with other settings. */
const accountsWith = (options: Partial<IdentityOptions>) =>
  Effect.map(
    Layer.build(PostgresAccounts.layer({ registration: "open", publicUrl, signInFloorMs: 0, ...options })),
    Context.get(Accounts)
  )

describeOn(testIdentity(), { excludeTestServices: true })("accounts", (it) => {
  // First: nobody has registered yet.
  it.scoped("the first start prints a link for the first owner: only the newest works, once", () =>
    Effect.gen(function* () {
      const accounts = yield* accountsWith({ registration: "invite" })
      const register = accounts.register
      expect((yield* Effect.flip(register(newNames())))._tag).toBe("Forbidden")
      const older = yield* accounts.bootstrapToken
      const newest = yield* accounts.bootstrapToken
      if (older === undefined || newest === undefined) return expect.unreachable("no link")
      expect((yield* Effect.flip(register({ ...newNames(), bootstrapToken: older })))._tag).toBe("Forbidden")
      // An attempt that fails for another reason uses up nothing.
      const taken = { ...newNames(), organization: OrganizationName.make("local"), bootstrapToken: newest }
      expect((yield* Effect.flip(register(taken)))._tag).toBe("Conflict")
      const all = yield* Effect.all(
        Array.from({ length: 4 }, () => Effect.either(register({ ...newNames(), bootstrapToken: newest }))),
        { concurrency: 4 }
      )
      const winners = all.filter(Either.isRight)
      expect(winners).toHaveLength(1)
      expect(winners[0]?.right.user.verified).toBe(true)
      expect(yield* accounts.bootstrapToken).toBeUndefined()
      expect((yield* Effect.flip(register({ ...newNames(), bootstrapToken: newest })))._tag).toBe("Forbidden")
    })
  )

  it.effect("registering creates the account, its organization, the session, the mail and the entry", () =>
    Effect.gen(function* () {
      const { told } = yield* Seen
      const { caller, email, grant, organizationId } = yield* registered
      expect(grant.user).toMatchObject({ email, verified: false })
      expect(grant.role).toBe("owner")
      const days = (Date.parse(grant.expiresAt) - Date.now()) / 86_400_000
      expect(days > 29.9 && days <= 30).toBe(true)
      const sql = yield* SqlClient
      const rows = yield* sql<{ token_hash: Uint8Array }>`
        select token_hash from sessions where id = ${caller.credential.type === "session" ? caller.credential.id : ""}`
      expect(matches(grant.token, rows[0]?.token_hash)).toBe(true)
      expect(told.at(-1)).toMatchObject({ action: "signIn.register", outcome: "succeeded", organizationId })
      expect(yield* Effect.flatMap(Sessions, (sessions) => sessions.organizationsOf(grant.user.id))).toMatchObject([
        { name: grant.organization, role: "owner" }
      ])
      assert(parseToken("oneTime", yield* tokenTo(email)) !== undefined)
    })
  )

  it.effect("a taken address, a taken name and reserved names are refused, and leave nothing behind", () =>
    Effect.gen(function* () {
      const { email, organization } = yield* registered
      const other = newNames()
      const refusals = yield* Effect.forEach(
        [
          { email, organization: other.organization },
          { email: other.email, organization },
          { email: other.email, organization: OrganizationName.make("local") },
          { email: other.email, organization: OrganizationName.make("server") },
          { email: other.email, organization: OrganizationName.make("flux-system") }
        ],
        (value) => Effect.flip(register(value))
      )
      expect(refusals.map((refusal) => refusal._tag)).toStrictEqual([
        "Conflict",
        "Conflict",
        "Conflict",
        "Conflict",
        "Conflict"
      ])
      // Neither the account of the first nor the organization of the second.
      expect((yield* register(other)).user.email).toBe(other.email)
    })
  )

  it.effect("if two people register the same name at once, one gets it", () =>
    Effect.gen(function* () {
      const { organization } = newNames()
      const all = yield* Effect.all(
        Array.from({ length: 4 }, () => Effect.either(register({ ...newNames(), organization }))),
        { concurrency: 4 }
      )
      expect(all.filter(Either.isRight).length).toBe(1)
    })
  )

  it.effect("the mailed link confirms the address, once, and sessions stay", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email, grant } = yield* registered
      const token = yield* tokenTo(email)
      expect(yield* accounts.verify(token)).toMatchObject({ email, verified: true })
      expect((yield* Effect.flip(accounts.verify(token)))._tag).toBe("NotFound")
      expect(yield* count("sessions", grant.user.id)).toBe(1)
      const { token: unknown } = newToken("oneTime", hexOf(newId("ott")))
      expect((yield* Effect.flip(accounts.verify(unknown)))._tag).toBe("NotFound")
      expect((yield* Effect.flip(accounts.verify(Redacted.make("' or 1=1 --"))))._tag).toBe("NotFound")
    })
  )

  it.effect("a link with another secret, or an expired one, confirms nothing", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email } = yield* registered
      const token = yield* tokenTo(email)
      const forged = newToken("oneTime", parseToken("oneTime", token)?.id ?? "").token
      expect((yield* Effect.flip(accounts.verify(forged)))._tag).toBe("NotFound")
      const sql = yield* SqlClient
      yield* sql`update one_time_tokens set expires_at = now() where purpose = 'verify'`
      expect((yield* Effect.flip(accounts.verify(token)))._tag).toBe("NotFound")
    })
  )

  it.effect("another link can be requested until the address is confirmed, and invalidates the previous one", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { caller, email } = yield* registered
      const first = yield* tokenTo(email)
      yield* accounts.resendVerification(caller)
      expect((yield* Effect.flip(accounts.verify(first)))._tag).toBe("NotFound")
      yield* accounts.verify(yield* tokenTo(email))
      const { mails } = yield* Seen
      const before = mails.length
      yield* accounts.resendVerification(caller)
      expect(mails).toHaveLength(before)
      const key = { ...caller, credential: { type: "local" } as const, person: undefined }
      expect((yield* Effect.flip(accounts.resendVerification(key)))._tag).toBe("Forbidden")
    })
  )

  it.effect("a code signs in, once, and confirms the address", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email, grant } = yield* registered
      const { challenge } = yield* accounts.beginSignIn(` ${email.toUpperCase()} `)
      const code = yield* codeTo(email)
      const person = yield* accounts.finishSignIn(challenge, Redacted.make(Redacted.value(code).toLowerCase()))
      expect(person.userId).toBe(grant.user.id)
      expect(yield* accounts.browserPerson(person.browserToken)).toStrictEqual({ userId: grant.user.id, email })
      expect(yield* accounts.browserPerson(Redacted.make(challenge))).toBeUndefined()
      // A button that's pressed twice.
      const wrong = Effect.flip(accounts.finishSignIn(challenge, Redacted.make("BBBB-BBBB")))
      expect((yield* wrong)._tag).toBe("NotFound")
      const again = yield* accounts.finishSignIn(challenge, code)
      expect(Redacted.value(again.browserToken)).toBe(Redacted.value(person.browserToken))
      const sql = yield* SqlClient
      yield* sql`update one_time_tokens set used_at = used_at - interval '10 seconds' where user_id = ${grant.user.id}`
      expect((yield* Effect.flip(accounts.finishSignIn(challenge, code)))._tag).toBe("NotFound")
      assert((yield* accounts.browserPerson(again.browserToken)) !== undefined)
    })
  )

  it.effect("a person who registered with another's address is signed out once the owner signs in", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email, grant, organizationId } = yield* registered
      const link = yield* tokenTo(email)
      const sql = yield* SqlClient
      yield* sql`
        insert into api_keys (organization_id, id, name, prefix, token_hash, role, created_by)
        values (${organizationId}, ${newId("key")}, 'x', ${hexOf(newId("key"))}, ${Buffer.alloc(32)}, 'owner', ${grant.user.id})`
      yield* signIn(email)
      expect(yield* count("sessions", grant.user.id)).toBe(0)
      expect(yield* sql`select 1 from api_keys where created_by = ${grant.user.id}`).toHaveLength(0)
      expect((yield* Effect.flip(accounts.verify(link)))._tag).toBe("NotFound")
      // Confirmed now: sessions of later sign-ins are the person's own.
      yield* Effect.flatMap(Sessions, (sessions) => sessions.grant(grant.user.id, grant.organization))
      yield* signIn(email)
      expect(yield* count("sessions", grant.user.id)).toBe(1)
    })
  )

  it.effect("five wrong codes end the challenge, and the right one comes too late", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { told } = yield* Seen
      const { email } = yield* registered
      const { challenge } = yield* accounts.beginSignIn(email)
      const code = yield* codeTo(email)
      for (let i = 0; i < 5; i++) {
        const error = yield* Effect.flip(accounts.finishSignIn(challenge, Redacted.make("BBBB-BBBB")))
        expect(error._tag).toBe("NotFound")
      }
      expect(told.at(-1)).toMatchObject({ action: "signIn.signIn", outcome: "refused" })
      expect((yield* Effect.flip(accounts.finishSignIn(challenge, code)))._tag).toBe("NotFound")
    })
  )

  it.effect("twenty guesses at once count as no more than five attempts", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email } = yield* registered
      const { challenge } = yield* accounts.beginSignIn(email)
      yield* Effect.all(
        Array.from({ length: 20 }, () => Effect.flip(accounts.finishSignIn(challenge, Redacted.make("BBBB-BBBB")))),
        { concurrency: 20 }
      )
      const sql = yield* SqlClient
      const id = `ott_${parseToken("oneTime", Redacted.make(challenge))?.id}`
      const rows = yield* sql`select attempts from one_time_tokens where id = ${id}`
      expect(rows).toStrictEqual([{ attempts: 5 }])
    })
  )

  it.effect("a code is only for its own address, and valid for ten minutes", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email } = yield* registered
      const first = yield* accounts.beginSignIn(email)
      const code = yield* codeTo(email)
      const other = yield* registered
      const second = yield* accounts.beginSignIn(other.email)
      expect((yield* Effect.flip(accounts.finishSignIn(second.challenge, code)))._tag).toBe("NotFound")
      const sql = yield* SqlClient
      const id = `ott_${parseToken("oneTime", Redacted.make(first.challenge))?.id}`
      const rows = yield* sql<{ left: number }>`
        select extract(epoch from expires_at - now())::int as left from one_time_tokens where id = ${id}`
      expect(Math.abs((rows[0]?.left ?? 0) - 600)).toBeLessThanOrEqual(5)
      yield* sql`update one_time_tokens set expires_at = now() where id = ${id}`
      expect((yield* Effect.flip(accounts.finishSignIn(first.challenge, code)))._tag).toBe("NotFound")
    })
  )

  it.effect("a person who asks again gets the same code while it's valid and unused", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { mails, usedUp } = yield* Seen
      const { email } = yield* registered
      const begin = Effect.map(accounts.beginSignIn(email), (found) => found.challenge)
      const all = yield* Effect.all([begin, begin, begin], { concurrency: 3 })
      const code = yield* codeTo(email)
      const mailed = () => mails.filter((mail) => mail.to === email && mail.text.includes(Redacted.value(code))).length
      expect(mailed()).toBe(3)
      // The mail limit is reached, so the valid code must do.
      usedUp.add("sign-in-email")
      const unmailed = yield* begin
      expect(mailed()).toBe(3)
      yield* accounts.finishSignIn(unmailed, code)
      // Valid once, in whatever browser it's typed.
      for (const challenge of all) {
        expect((yield* Effect.flip(accounts.finishSignIn(challenge, code)))._tag).toBe("NotFound")
      }
      // No code is valid, so another one is mailed.
      const next = yield* begin
      usedUp.clear()
      expect(Redacted.value(yield* codeTo(email))).not.toBe(Redacted.value(code))
      yield* accounts.finishSignIn(next, yield* codeTo(email))
    })
  )

  it.effect("without an account it looks the same, and nothing is mailed", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { mails } = yield* Seen
      const before = mails.length
      const { challenge } = yield* accounts.beginSignIn("nobody@example.com")
      assert(parseToken("oneTime", Redacted.make(challenge)) !== undefined)
      expect(mails).toHaveLength(before)
      const error = yield* Effect.flip(accounts.finishSignIn(challenge, Redacted.make("BCDF-GHJK")))
      const { email } = yield* registered
      const known = yield* accounts.beginSignIn(email)
      const same = yield* Effect.flip(accounts.finishSignIn(known.challenge, Redacted.make("BCDF-GHJK")))
      expect(error.message).toBe(same.message)
    })
  )

  it.effect("limits by network address and e-mail address stop excessive attempts", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { taken, usedUp } = yield* Seen
      yield* accounts.beginSignIn("limits@example.com")
      expect(taken).toEqual(expect.arrayContaining(["sign-in-address none", "sign-in-email limits@example.com"]))
      for (const name of ["sign-in-address", "register-address"]) usedUp.add(name)
      expect((yield* Effect.flip(accounts.beginSignIn("limits@example.com")))._tag).toBe("TooManyRequests")
      expect((yield* Effect.flip(register(newNames())))._tag).toBe("TooManyRequests")
      usedUp.clear()
    })
  )

  it.effect("the first start's link is gone once there are accounts", () =>
    Effect.gen(function* () {
      yield* registered
      expect(yield* Effect.flatMap(Accounts, (accounts) => accounts.bootstrapToken)).toBeUndefined()
    })
  )

  it.scoped("starting to sign in takes equally long with and without an account", () =>
    Effect.gen(function* () {
      const accounts = yield* accountsWith({ signInFloorMs: 250 })
      const { email } = yield* registered
      for (const who of [email, "nobody@example.com"]) {
        const [duration] = yield* Effect.timed(accounts.beginSignIn(who))
        expect(Duration.toMillis(duration)).toBeGreaterThanOrEqual(245)
      }
    })
  )
})
