import { SqlClient } from "@effect/sql/SqlClient"
import { layer as describeOn, expect } from "@effect/vitest"
import type { Registration } from "@maxcloud/sdk/api"
import { Effect, Either, Redacted } from "effect"
import { testApi } from "../../../test/api/testApi.ts"
import { mailTo, newNames, Seen, signIn, testIdentity, tokenTo } from "../../../test/identity/testIdentity.ts"
import { Accounts, Sessions } from "./Accounts.ts"

const floorMs = 200

const enroll = (input: Registration) => Effect.flatMap(Accounts, (accounts) => accounts.enroll(input))
const verify = (token: Redacted.Redacted) => Effect.flatMap(Accounts, (accounts) => accounts.verify(token))

/** The number of accounts, organizations and sessions. */
const counts = Effect.gen(function* () {
  const sql = yield* SqlClient
  const of = (table: string) => Effect.map(sql`select 1 from ${sql(table)}`, (found) => found.length)
  return yield* Effect.all([of("users"), of("organizations"), of("sessions")])
})

/** Somebody with an account. */
const known = Effect.gen(function* () {
  const names = newNames("k")
  yield* enroll(names)
  yield* verify(yield* tokenTo(names.email))
  return names
})

describeOn(testIdentity({ registersByMail: true, signInFloorMs: floorMs }), { excludeTestServices: true })(
  "registering if mail reaches people",
  (it) => {
    it.scoped("answers the same, equally late, and does the same, whether the address has an account or not", () =>
      Effect.gen(function* () {
        const { mails, taken, told } = yield* Seen
        const { url } = yield* testApi({ accounts: yield* Accounts })
        const { email: existing } = yield* known
        const { organization } = newNames("same")
        const before = yield* counts
        const seen = yield* Effect.forEach([existing, newNames("n").email], (email) =>
          Effect.gen(function* () {
            const from = { mails: mails.length, taken: taken.length, told: told.length }
            const started = performance.now()
            const response = yield* Effect.promise(() =>
              fetch(`${url}/api/v1/auth/register`, {
                method: "POST",
                headers: { "content-type": "application/json" },
                body: JSON.stringify({ email, organization })
              })
            )
            const text = yield* Effect.promise(() => response.text())
            expect(performance.now() - started).toBeGreaterThanOrEqual(floorMs - 5)
            const { date, ...headers } = Object.fromEntries(response.headers)
            const plain = (said: string) => said.replaceAll(email, "EMAIL")
            return {
              status: response.status,
              text: plain(text),
              headers: Object.keys(headers).sort(),
              length: Number(headers["content-length"]) - email.length,
              mails: mails.slice(from.mails).map((mail) => plain(mail.to)),
              taken: taken.slice(from.taken).map(plain),
              told: told.slice(from.told)
            }
          })
        )
        expect(seen[0]).toStrictEqual(seen[1])
        expect(seen[0]).toMatchObject({ status: 202, text: '{"state":"mailed","email":"EMAIL"}', mails: ["EMAIL"] })
        expect(yield* counts).toStrictEqual(before)
        expect((yield* mailTo(existing)).text).not.toContain("token=")
        expect((yield* mailTo(existing)).text).toContain("maxcloud auth login --api-url")
        // Neither does a later one, whose name would be taken if the earlier one had created an account.
        const third = yield* enroll({ ...newNames(), organization })
        expect("state" in third ? third.state : "a session").toBe("mailed")
      })
    )

    it.effect(
      "creates the account and its organization with the mailed link, once, for the person who then signs in",
      () =>
        Effect.gen(function* () {
          const { told } = yield* Seen
          const names = newNames("r")
          yield* enroll({ ...names, organization: newNames("other").organization })
          const former = yield* tokenTo(names.email)
          yield* enroll(names)
          const token = yield* tokenTo(names.email)
          const before = yield* counts
          const user = yield* verify(token)
          expect(user).toMatchObject({ email: names.email, verified: true })
          expect(told.at(-1)).toMatchObject({ action: "signIn.verify", subject: `organization ${names.organization}` })
          for (const dead of [token, former]) expect((yield* Effect.flip(verify(dead)))._tag).toBe("NotFound")
          const [users, organizations, sessions] = before
          expect(yield* counts).toStrictEqual([users + 1, organizations + 1, sessions])
          const { userId } = yield* signIn(names.email)
          const mine = yield* Effect.flatMap(Sessions, (sessions) => sessions.organizationsOf(userId))
          expect(mine).toMatchObject([{ name: names.organization, role: "owner" }])
          const sql = yield* SqlClient
          expect(yield* sql`select 1 from one_time_tokens where email = ${names.email}`).toHaveLength(0)
        })
    )

    it.effect("if links for one address or name are opened at once, one succeeds", () =>
      Effect.gen(function* () {
        const tokenOf = (input: Registration) => Effect.zipRight(enroll(input), tokenTo(input.email))
        const person = newNames("one")
        const ofOne = [
          yield* tokenOf(person),
          yield* tokenOf({ ...person, organization: newNames("two").organization })
        ]
        const first = newNames("name")
        const ofName = [yield* tokenOf(first), yield* tokenOf({ ...first, email: newNames("name").email })]
        for (const [tokens, left] of [
          [ofOne, "NotFound"],
          [ofName, "Conflict"]
        ] as const) {
          const all = yield* Effect.all(
            tokens.map((token) => Effect.either(verify(token))),
            { concurrency: 2 }
          )
          expect(all.filter(Either.isRight)).toHaveLength(1)
          expect(all.filter(Either.isLeft).map((each) => each.left._tag)).toStrictEqual([left])
        }
      })
    )

    it.effect("reveals a taken name to everybody alike, and reserves none before the link is opened", () =>
      Effect.gen(function* () {
        const { email, organization } = yield* known
        const fresh = newNames("fresh")
        for (const asking of [email, fresh.email]) {
          expect((yield* Effect.flip(enroll({ email: asking, organization })))._tag).toBe("Conflict")
          expect(yield* Effect.map(enroll({ ...fresh, email: asking }), (found) => "state" in found)).toBe(true)
        }
      })
    )
  }
)

describeOn(testIdentity({ registersByMail: true, registration: "invite", signInFloorMs: 0 }), {
  excludeTestServices: true
})("the first owner if mail reaches people", (it) => {
  it.effect("gets a session at once with the printed link; nobody else can register", () =>
    Effect.gen(function* () {
      const bootstrapToken = yield* Effect.flatMap(Accounts, (accounts) => accounts.bootstrapToken)
      expect((yield* Effect.flip(enroll(newNames())))._tag).toBe("Forbidden")
      const answer = yield* enroll({ ...newNames(), bootstrapToken: bootstrapToken ?? Redacted.make("none") })
      expect("token" in answer && answer.user.verified).toBe(true)
    })
  )
})
