import { HttpLayerRouter } from "@effect/platform"
import { Email } from "@maxcloud/sdk/api"
import { Effect, Option, Redacted, Schema } from "effect"
import { escapeHtml } from "../../base/pages/escapeHtml.ts"
import { Accounts } from "../../tenancy/identity/Accounts.ts"
import { readCode } from "../../tenancy/identity/codes.ts"
import { AccessMode } from "../http/AccessMode.ts"
import { page } from "../http/routeTable.ts"
import { newCookie } from "./browserCookie.ts"
import { asPage, button, field, form, formOf, goTo, hidden, paragraph, show, type Visit } from "./Visit.ts"

const decodeEmail = Schema.decodeUnknownOption(Email)

/** The device page that continues after sign-in; the form can't name any other address. */
export const devicePage = (userCode: string | null): string => {
  const code = readCode(userCode ?? "")
  return code === undefined ? page.device : `${page.device}?user_code=${code}`
}

const signInPage = (userCode: string | null) => devicePage(userCode).replace(page.device, page.signIn)

const emailForm = (visit: Visit, userCode: string | null, problem?: string, typed?: string) =>
  show(
    visit,
    visit.say.signInTitle,
    paragraph(visit.say.signInIntro) +
      (problem === undefined ? "" : paragraph(problem, "problem")) +
      form(
        visit,
        page.signIn,
        hidden("user_code", userCode ?? "") +
          field(visit.say.email, "email", 'type="email" autocomplete="email" maxlength="254"', {
            value: typed,
            invalid: problem !== undefined
          }) +
          button(visit.say.sendCode, "step", "email")
      ),
    problem === undefined ? 200 : 422
  )

const otherAddress = (visit: Visit, userCode: string | null) =>
  form(
    visit,
    page.signIn,
    hidden("user_code", userCode ?? "") + button(visit.say.otherAddress, "step", "again", "second")
  )

const codeForm = (visit: Visit, userCode: string | null, problem?: string) =>
  show(
    visit,
    visit.say.signInTitle,
    paragraph(visit.say.codeIntro) +
      (problem === undefined ? "" : paragraph(problem, "problem")) +
      form(
        visit,
        page.signIn,
        hidden("user_code", userCode ?? "") +
          field(visit.say.code, "code", 'autocomplete="one-time-code" autocapitalize="characters" maxlength="20"', {
            invalid: problem !== undefined
          }) +
          button(visit.say.goOn, "step", "code")
      ) +
      otherAddress(visit, userCode),
    problem === undefined ? 200 : 422
  )

/** Signing in by a mailed code: first the address, then the code. */
export const signInPages = HttpLayerRouter.use((router) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const { publicUrl } = yield* AccessMode

    const shown = (visit: Visit) =>
      Effect.gen(function* () {
        const userCode = visit.query.get("user_code")
        if (visit.cookie.state === "challenge") return codeForm(visit, userCode)
        if (visit.cookie.state === "new") return emailForm(visit, userCode)
        const person = yield* accounts.browserPerson(visit.cookie.token)
        if (person === undefined) return emailForm({ ...visit, cookie: newCookie() }, userCode)
        return show(
          visit,
          visit.say.signInTitle,
          paragraph(visit.say.signedInAs(person.email)) +
            `<p><a href="${escapeHtml(devicePage(userCode))}">${escapeHtml(visit.say.deviceTitle)}</a></p>` +
            otherAddress(visit, userCode)
        )
      })

    const beginning = (visit: Visit, typed: string, userCode: string) =>
      Effect.gen(function* () {
        const email = decodeEmail(typed)
        if (Option.isNone(email)) return emailForm(visit, userCode, visit.say.wrongEmail, typed.slice(0, 254))
        const { challenge } = yield* accounts.beginSignIn(email.value)
        const cookie = { state: "challenge", token: Redacted.make(challenge) } as const
        return goTo({ ...visit, cookie }, signInPage(userCode))
      })

    const finishing = (visit: Visit, code: string, userCode: string) =>
      accounts.finishSignIn(Redacted.value(visit.cookie.token), Redacted.make(code)).pipe(
        Effect.map(({ browserToken }) =>
          goTo({ ...visit, cookie: { state: "signedIn", token: browserToken } }, devicePage(userCode))
        ),
        Effect.catchTag("NotFound", () => Effect.succeed(codeForm(visit, userCode, visit.say.wrongCode)))
      )

    yield* router.add("GET", page.signIn, asPage(publicUrl, shown))
    yield* router.add(
      "POST",
      page.signIn,
      asPage(publicUrl, (visit, request) =>
        Effect.gen(function* () {
          const fields = yield* formOf(request, visit)
          const userCode = fields.get("user_code")
          if (fields.get("step") === "again") return goTo({ ...visit, cookie: newCookie() }, signInPage(userCode))
          return yield* fields.get("step") === "code"
            ? finishing(visit, fields.get("code"), userCode)
            : beginning(visit, fields.get("email"), userCode)
        })
      )
    )
  })
)
