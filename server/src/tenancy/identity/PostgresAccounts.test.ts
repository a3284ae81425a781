import { SqlClient } from "@effect/sql/SqlClient"
import { assert, layer as describeOn } from "@effect/vitest"
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

/** Accounts of the same database by other settings. */
const accountsWith = (options: Partial<IdentityOptions>) =>
  Effect.map(
    Layer.build(PostgresAccounts.layer({ registration: "open", publicUrl, signInFloorMs: 0, ...options })),
    Context.get(Accounts)
  )

describeOn(testIdentity(), { excludeTestServices: true })("accounts", (it) => {
  // First: nobody has registered yet.
  it.scoped("the first start gives a link to the first owner: only the newest is good, for one, once", () =>
    Effect.gen(function* () {
      const accounts = yield* accountsWith({ registration: "invite" })
      const register = accounts.register
      assert.strictEqual((yield* Effect.flip(register(newNames())))._tag, "Forbidden")
      const older = yield* accounts.bootstrapToken
      const newest = yield* accounts.bootstrapToken
      if (older === undefined || newest === undefined) return assert.fail("no link")
      assert.strictEqual((yield* Effect.flip(register({ ...newNames(), bootstrapToken: older })))._tag, "Forbidden")
      // A try that fails otherwise uses up nothing.
      const taken = { ...newNames(), organization: OrganizationName.make("local"), bootstrapToken: newest }
      assert.strictEqual((yield* Effect.flip(register(taken)))._tag, "Conflict")
      const all = yield* Effect.all(
        Array.from({ length: 4 }, () => Effect.either(register({ ...newNames(), bootstrapToken: newest }))),
        { concurrency: 4 }
      )
      const winners = all.filter(Either.isRight)
      assert.lengthOf(winners, 1)
      assert.isTrue(winners[0]?.right.user.verified)
      assert.isUndefined(yield* accounts.bootstrapToken)
      assert.strictEqual((yield* Effect.flip(register({ ...newNames(), bootstrapToken: newest })))._tag, "Forbidden")
    })
  )

  it.effect("registering makes the account, its organization, the session, the mail and the entry", () =>
    Effect.gen(function* () {
      const { told } = yield* Seen
      const { caller, email, grant, organizationId } = yield* registered
      assert.deepInclude(grant.user, { email, verified: false })
      assert.strictEqual(grant.role, "owner")
      const days = (Date.parse(grant.expiresAt) - Date.now()) / 86_400_000
      assert.isTrue(days > 29.9 && days <= 30)
      const sql = yield* SqlClient
      const rows = yield* sql<{ token_hash: Uint8Array }>`
        select token_hash from sessions where id = ${caller.credential.type === "session" ? caller.credential.id : ""}`
      assert.isTrue(matches(grant.token, rows[0]?.token_hash))
      assert.deepInclude(told.at(-1), { action: "signIn.register", outcome: "succeeded", organizationId })
      assert.deepStrictEqual(yield* Effect.flatMap(Sessions, (sessions) => sessions.organizationsOf(grant.user.id)), [
        { name: grant.organization, role: "owner" }
      ])
      assert.isDefined(parseToken("oneTime", yield* tokenTo(email)))
    })
  )

  it.effect("a taken address, a taken name and names of the server are refused, and nothing stays", () =>
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
      assert.deepStrictEqual(
        refusals.map((refusal) => refusal._tag),
        ["Conflict", "Conflict", "Conflict", "Conflict", "Conflict"]
      )
      // Neither the account of the one nor the organization of the other.
      assert.strictEqual((yield* register(other)).user.email, other.email)
    })
  )

  it.effect("two who register the same name at once: one has it", () =>
    Effect.gen(function* () {
      const { organization } = newNames()
      const all = yield* Effect.all(
        Array.from({ length: 4 }, () => Effect.either(register({ ...newNames(), organization }))),
        { concurrency: 4 }
      )
      assert.strictEqual(all.filter(Either.isRight).length, 1)
    })
  )

  it.effect("the mailed link confirms the address, once, and sessions stay", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email, grant } = yield* registered
      const token = yield* tokenTo(email)
      assert.deepInclude(yield* accounts.verify(token), { email, verified: true })
      assert.strictEqual((yield* Effect.flip(accounts.verify(token)))._tag, "NotFound")
      assert.strictEqual(yield* count("sessions", grant.user.id), 1)
      const { token: unknown } = newToken("oneTime", hexOf(newId("ott")))
      assert.strictEqual((yield* Effect.flip(accounts.verify(unknown)))._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(accounts.verify(Redacted.make("' or 1=1 --"))))._tag, "NotFound")
    })
  )

  it.effect("a link with another secret, and an expired one, confirm nothing", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email } = yield* registered
      const token = yield* tokenTo(email)
      const forged = newToken("oneTime", parseToken("oneTime", token)?.id ?? "").token
      assert.strictEqual((yield* Effect.flip(accounts.verify(forged)))._tag, "NotFound")
      const sql = yield* SqlClient
      yield* sql`update one_time_tokens set expires_at = now() where purpose = 'verify'`
      assert.strictEqual((yield* Effect.flip(accounts.verify(token)))._tag, "NotFound")
    })
  )

  it.effect("another link may be asked for until the address is confirmed, and ends the one before", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { caller, email } = yield* registered
      const first = yield* tokenTo(email)
      yield* accounts.resendVerification(caller)
      assert.strictEqual((yield* Effect.flip(accounts.verify(first)))._tag, "NotFound")
      yield* accounts.verify(yield* tokenTo(email))
      const { mails } = yield* Seen
      const before = mails.length
      yield* accounts.resendVerification(caller)
      assert.lengthOf(mails, before)
      const key = { ...caller, credential: { type: "local" } as const, person: undefined }
      assert.strictEqual((yield* Effect.flip(accounts.resendVerification(key)))._tag, "Forbidden")
    })
  )

  it.effect("a code signs in, once, and confirms the address", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email, grant } = yield* registered
      const { challenge } = yield* accounts.beginSignIn(` ${email.toUpperCase()} `)
      const code = yield* codeTo(email)
      const person = yield* accounts.finishSignIn(challenge, Redacted.make(Redacted.value(code).toLowerCase()))
      assert.strictEqual(person.userId, grant.user.id)
      assert.deepStrictEqual(yield* accounts.browserPerson(person.browserToken), { userId: grant.user.id, email })
      assert.isUndefined(yield* accounts.browserPerson(Redacted.make(challenge)))
      // A button that is pressed twice.
      const wrong = Effect.flip(accounts.finishSignIn(challenge, Redacted.make("BBBB-BBBB")))
      assert.strictEqual((yield* wrong)._tag, "NotFound")
      const again = yield* accounts.finishSignIn(challenge, code)
      assert.strictEqual(Redacted.value(again.browserToken), Redacted.value(person.browserToken))
      const sql = yield* SqlClient
      yield* sql`update one_time_tokens set used_at = used_at - interval '10 seconds' where user_id = ${grant.user.id}`
      assert.strictEqual((yield* Effect.flip(accounts.finishSignIn(challenge, code)))._tag, "NotFound")
      assert.isDefined(yield* accounts.browserPerson(again.browserToken))
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
      assert.strictEqual(yield* count("sessions", grant.user.id), 0)
      assert.lengthOf(yield* sql`select 1 from api_keys where created_by = ${grant.user.id}`, 0)
      assert.strictEqual((yield* Effect.flip(accounts.verify(link)))._tag, "NotFound")
      // Confirmed now: sessions of later sign-ins are the person's own.
      yield* Effect.flatMap(Sessions, (sessions) => sessions.grant(grant.user.id, grant.organization))
      yield* signIn(email)
      assert.strictEqual(yield* count("sessions", grant.user.id), 1)
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
        assert.strictEqual(error._tag, "NotFound")
      }
      assert.deepInclude(told.at(-1), { action: "signIn.signIn", outcome: "refused" })
      assert.strictEqual((yield* Effect.flip(accounts.finishSignIn(challenge, code)))._tag, "NotFound")
    })
  )

  it.effect("twenty guesses at once are no more than five attempts", () =>
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
      assert.deepEqual(rows, [{ attempts: 5 }])
    })
  )

  it.effect("a code is for its own address, and holds ten minutes", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email } = yield* registered
      const first = yield* accounts.beginSignIn(email)
      const code = yield* codeTo(email)
      const other = yield* registered
      const second = yield* accounts.beginSignIn(other.email)
      assert.strictEqual((yield* Effect.flip(accounts.finishSignIn(second.challenge, code)))._tag, "NotFound")
      const sql = yield* SqlClient
      const id = `ott_${parseToken("oneTime", Redacted.make(first.challenge))?.id}`
      const rows = yield* sql<{ left: number }>`
        select extract(epoch from expires_at - now())::int as left from one_time_tokens where id = ${id}`
      assert.approximately(rows[0]?.left ?? 0, 600, 5)
      yield* sql`update one_time_tokens set expires_at = now() where id = ${id}`
      assert.strictEqual((yield* Effect.flip(accounts.finishSignIn(first.challenge, code)))._tag, "NotFound")
    })
  )

  it.effect("a person who asks again gets the same code while it is valid and unused", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { mails, usedUp } = yield* Seen
      const { email } = yield* registered
      const begin = Effect.map(accounts.beginSignIn(email), (found) => found.challenge)
      const all = yield* Effect.all([begin, begin, begin], { concurrency: 3 })
      const code = yield* codeTo(email)
      const mailed = () => mails.filter((mail) => mail.to === email && mail.text.includes(Redacted.value(code))).length
      assert.strictEqual(mailed(), 3)
      // Enough was mailed: the code that stands has to do.
      usedUp.add("sign-in-email")
      const unmailed = yield* begin
      assert.strictEqual(mailed(), 3)
      yield* accounts.finishSignIn(unmailed, code)
      // Good once, whichever browser it is typed in.
      for (const challenge of all) {
        assert.strictEqual((yield* Effect.flip(accounts.finishSignIn(challenge, code)))._tag, "NotFound")
      }
      // None stands: one is mailed.
      const next = yield* begin
      usedUp.clear()
      assert.notStrictEqual(Redacted.value(yield* codeTo(email)), Redacted.value(code))
      yield* accounts.finishSignIn(next, yield* codeTo(email))
    })
  )

  it.effect("without an account it looks the same, and nothing is mailed", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { mails } = yield* Seen
      const before = mails.length
      const { challenge } = yield* accounts.beginSignIn("nobody@example.com")
      assert.isDefined(parseToken("oneTime", Redacted.make(challenge)))
      assert.lengthOf(mails, before)
      const error = yield* Effect.flip(accounts.finishSignIn(challenge, Redacted.make("BCDF-GHJK")))
      const { email } = yield* registered
      const known = yield* accounts.beginSignIn(email)
      const same = yield* Effect.flip(accounts.finishSignIn(known.challenge, Redacted.make("BCDF-GHJK")))
      assert.strictEqual(error.message, same.message)
    })
  )

  it.effect("limits are taken by address and by e-mail, and stop what is too much", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { taken, usedUp } = yield* Seen
      yield* accounts.beginSignIn("limits@example.com")
      assert.includeMembers(taken, ["sign-in-address none", "sign-in-email limits@example.com"])
      for (const name of ["sign-in-address", "register-address"]) usedUp.add(name)
      assert.strictEqual((yield* Effect.flip(accounts.beginSignIn("limits@example.com")))._tag, "TooManyRequests")
      assert.strictEqual((yield* Effect.flip(register(newNames())))._tag, "TooManyRequests")
      usedUp.clear()
    })
  )

  it.effect("there is no link of the first start once there are accounts", () =>
    Effect.gen(function* () {
      yield* registered
      assert.isUndefined(yield* Effect.flatMap(Accounts, (accounts) => accounts.bootstrapToken))
    })
  )

  it.scoped("an answer to who begins to sign in takes as long with an account as without", () =>
    Effect.gen(function* () {
      const accounts = yield* accountsWith({ signInFloorMs: 250 })
      const { email } = yield* registered
      for (const who of [email, "nobody@example.com"]) {
        const [duration] = yield* Effect.timed(accounts.beginSignIn(who))
        assert.isAtLeast(Duration.toMillis(duration), 245)
      }
    })
  )
})
