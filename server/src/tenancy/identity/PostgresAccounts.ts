import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import {
  Conflict,
  Forbidden,
  NotFound,
  OrganizationId,
  type Registration,
  type UserId,
  type UserInfo
} from "@maxcloud/sdk/api"
import { Effect, Layer, Redacted, Schema } from "effect"
import { newId } from "../../base/database/newId.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { transaction } from "../../base/database/sqlErrors.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { Audit } from "../audit/Audit.ts"
import { RateLimits } from "../limits/RateLimits.ts"
import { Mail } from "../mail/Mail.ts"
import { refuseReservedName } from "../organizations/refuseReservedName.ts"
import { Accounts } from "./Accounts.ts"
import { defaultSessionDays, type IdentityOptions } from "./IdentityOptions.ts"
import { linkOf, registeredMail, verifyMail } from "./identityMails.ts"
import { CurrentLanguage } from "./Language.ts"
import { insertOneTime, useOneTime } from "./oneTimeTokens.ts"
import { confirmRegistration, mailRegistration, nameTaken } from "./registerByMail.ts"
import { insertSession } from "./sessionRows.ts"
import { beginChallenge, browserPerson, finishChallenge, wrongCode } from "./signInByCode.ts"
import { clientNetwork, signInLimits, takeAll } from "./signInLimits.ts"
import { insertUser, lockUser, markVerified, normalEmail } from "./userRows.ts"
import { whereAway } from "./whereAway.ts"

const verifySeconds = 3 * 86_400
const bootstrapSeconds = 86_400
const signInFloorMs = 300

const decodeOrganizations = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: OrganizationId, name: OrganizationName }))
)

const inviteOnly = () =>
  new Forbidden({
    detail: "Registration at this server is by invite only: ask an administrator of your organization for one."
  })
const bootstrapGone = () =>
  new Forbidden({
    detail:
      "The link of the first start is good once, for a day, and only the newest: restart the server to have another, as long as nobody has registered."
  })

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
      const inTransaction = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.provideService(transaction(effect), SqlClient, sql)

      const mailLink = (user: UserInfo, organization: string | undefined) =>
        Effect.gen(function* () {
          const token = yield* insertOneTime(sql, "verify", user.id, verifySeconds)
          const link = linkOf(options.publicUrl, "verify", token)
          yield* mail.add("verify", verifyMail(yield* CurrentLanguage, user.email, organization, link), user.id)
        })

      const hasUsers = Effect.map(sql`select 1 from users limit 1`, (_) => _.length > 0)

      /** Only the first person comes by the link; two at once, or one who registered in between, make it one. */
      const takeBootstrap = (token: Redacted.Redacted) =>
        Effect.gen(function* () {
          const row = yield* useOneTime(sql, "bootstrap", token)
          if (row === undefined || (yield* hasUsers)) return yield* bootstrapGone()
        })

      const insertOrganization = (name: OrganizationName, createdBy: string) =>
        Effect.gen(function* () {
          const rows = yield* sql`
            insert into organizations (id, name, created_by) values (${newId("org")}, ${name}, ${createdBy})
            on conflict (name) do nothing returning id, name`
          const [made] = decodeOrganizations(rows)
          if (made !== undefined) return made
          return yield* nameTaken(name)
        })

      const insertOwner = (organizationId: OrganizationId, userId: string) => sql`
        insert into memberships (organization_id, user_id, role) values (${organizationId}, ${userId}, 'owner')`

      /** Links and codes are tried by the pages too, whose requests are no operations. */
      const tellRefused = (action: "signIn.register" | "signIn.verify" | "signIn.signIn", status: 403 | 404) =>
        audit.append({ action, outcome: "refused", status, subject: "without a good link or code" })

      const mayRegister = ({ bootstrapToken, email, organization: name }: Registration) =>
        Effect.gen(function* () {
          yield* takeAll(limits, [
            [signInLimits.registerByAddress, yield* clientNetwork],
            [signInLimits.registerByEmail, normalEmail(email)]
          ])
          if (bootstrapToken === undefined && options.registration === "invite") return yield* inviteOnly()
          yield* refuseReservedName(name)
        })

      /** The same work takes longer with an account or without one: the shortest answer is longer than either. */
      const noSooner = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.map(
          Effect.all([effect, Effect.sleep(`${options.signInFloorMs ?? signInFloorMs} millis`)], { concurrency: 2 }),
          ([result]) => result
        )

      const registerByMail = Effect.fn("Accounts.registerByMail")(
        function* (input: Registration) {
          yield* mayRegister(input)
          const link = { publicUrl: options.publicUrl, seconds: verifySeconds }
          return yield* noSooner(
            inTransaction(
              Effect.tap(mailRegistration(sql, mail, link, input), () =>
                audit.append({
                  action: "signIn.register",
                  outcome: "succeeded",
                  status: 202,
                  subject: `organization ${input.organization}, by mail`
                })
              )
            )
          )
        },
        (effect) => Effect.tapErrorTag(effect, "Forbidden", () => tellRefused("signIn.register", 403)),
        whereAway,
        asServer
      )

      const register = Effect.fn("Accounts.register")(
        function* (input: Registration) {
          const { bootstrapToken, email, organization: name } = input
          yield* mayRegister(input)
          return yield* inTransaction(
            Effect.gen(function* () {
              const bootstraps = bootstrapToken !== undefined
              if (bootstraps) yield* takeBootstrap(bootstrapToken)
              const user = yield* insertUser(sql, email, bootstraps)
              if (user === undefined) {
                return yield* new Conflict({
                  detail: `There is an account with the address ${normalEmail(email)} already: run \`maxcloud auth login\`.`
                })
              }
              const organization = yield* insertOrganization(name, user.id)
              yield* insertOwner(organization.id, user.id)
              const days = options.sessionDays ?? defaultSessionDays
              const grant = yield* insertSession(sql, user, { organization, role: "owner" }, days)
              yield* bootstraps
                ? mail.add(
                    "registered",
                    registeredMail(yield* CurrentLanguage, user.email, name, options.publicUrl),
                    user.id
                  )
                : mailLink(user, name)
              yield* audit.append({
                action: "signIn.register",
                outcome: "succeeded",
                status: 201,
                subject: `organization ${name}`,
                organizationId: organization.id,
                person: user
              })
              return grant
            })
          )
        },
        (effect) => Effect.tapErrorTag(effect, "Forbidden", () => tellRefused("signIn.register", 403)),
        whereAway,
        asServer
      )

      const createOrganization = Effect.fn("Accounts.createOrganization")(
        function* (userId: UserId, name: OrganizationName) {
          yield* takeAll(limits, [[signInLimits.createByPerson, userId]])
          if (options.registration === "invite") return yield* inviteOnly()
          yield* refuseReservedName(name)
          return yield* inTransaction(
            Effect.gen(function* () {
              const user = yield* lockUser(sql, userId)
              // Erased meanwhile: nobody is there any more who could own it.
              if (user === undefined) return yield* inviteOnly()
              const organization = yield* insertOrganization(name, user.id)
              yield* insertOwner(organization.id, user.id)
              yield* audit.append({
                action: "account.createOrganization",
                outcome: "succeeded",
                status: 201,
                subject: `organization ${name}`,
                organizationId: organization.id,
                person: user
              })
            })
          )
        },
        whereAway,
        asServer
      )

      const verify = Effect.fn("Accounts.verify")(
        function* (token: Redacted.Redacted) {
          yield* takeAll(limits, [[signInLimits.verifyByAddress, yield* clientNetwork]])
          return yield* inTransaction(
            Effect.gen(function* () {
              const registered = yield* confirmRegistration(sql, token)
              if (registered !== undefined) {
                const organization = yield* insertOrganization(registered.organization, registered.user.id)
                yield* insertOwner(organization.id, registered.user.id)
                yield* audit.append({
                  action: "signIn.verify",
                  outcome: "succeeded",
                  status: 200,
                  subject: `organization ${organization.name}`,
                  organizationId: organization.id,
                  person: registered.user
                })
                return registered.user
              }
              const row = yield* useOneTime(sql, "verify", token)
              const found = row?.user_id == null ? undefined : yield* lockUser(sql, row.user_id)
              if (found === undefined) {
                return yield* new NotFound({
                  resource: "token",
                  name: "link",
                  detail:
                    "The link is good for three days, once. If your address is not confirmed yet, sign in with `maxcloud auth login`: the code confirms it too."
                })
              }
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
          )
        },
        (effect) => Effect.tapErrorTag(effect, "NotFound", () => tellRefused("signIn.verify", 404)),
        whereAway,
        asServer
      )

      return {
        enroll: (input: Registration) =>
          options.registersByMail === true && input.bootstrapToken === undefined
            ? registerByMail(input)
            : register(input),
        register,
        createOrganization,
        isOpen: Effect.succeed(options.registration === "open"),
        verify,

        resendVerification: Effect.fn("Accounts.resendVerification")(
          function* ({ credential, organization, person }) {
            if (credential.type !== "session" || person === undefined) {
              return yield* new Forbidden({ detail: "Only signed-in people have an address to confirm." })
            }
            yield* takeAll(limits, [[signInLimits.resendByPerson, person.id]])
            yield* inTransaction(
              Effect.gen(function* () {
                const user = yield* lockUser(sql, person.id)
                // Once more does no harm: there is nothing to confirm.
                if (user === undefined || user.verified) return
                yield* sql`delete from one_time_tokens where user_id = ${user.id} and purpose = 'verify'`
                yield* mailLink(user, organization.name)
              })
            )
          },
          whereAway,
          asServer
        ),

        beginSignIn: Effect.fn("Accounts.beginSignIn")(
          function* (typed: string) {
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
            const challenge = yield* noSooner(inTransaction(beginChallenge(sql, mail, keys, email, mayMail)))
            return { challenge: Redacted.value(challenge) }
          },
          whereAway,
          asServer
        ),

        finishSignIn: Effect.fn("Accounts.finishSignIn")(
          function* (challenge, code) {
            yield* takeAll(limits, [[signInLimits.finishByAddress, yield* clientNetwork]])
            const person = yield* inTransaction(finishChallenge(sql, audit, Redacted.make(challenge), code))
            if (person !== undefined) return person
            yield* tellRefused("signIn.signIn", 404)
            return yield* wrongCode()
          },
          whereAway,
          asServer
        ),

        browserPerson: Effect.fn("Accounts.browserPerson")((token) => browserPerson(sql, token), whereAway, asServer),

        bootstrapToken: inTransaction(
          Effect.gen(function* () {
            // Two servers that start at once have one newest link.
            yield* sql`lock table one_time_tokens in share row exclusive mode`
            if (yield* hasUsers) return undefined
            yield* sql`delete from one_time_tokens where purpose = 'bootstrap'`
            return yield* insertOneTime(sql, "bootstrap", undefined, bootstrapSeconds)
          })
        ).pipe(whereAway, asServer, Effect.withSpan("Accounts.bootstrapToken"))
      }
    })
  )
