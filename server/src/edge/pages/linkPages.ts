import { HttpLayerRouter } from "@effect/platform"
import { OrganizationName } from "@maxcloud/config-schema"
import { Conflict, Email, NotFound } from "@maxcloud/sdk/api"
import { Effect, Option, Redacted, Schema } from "effect"
import { Accounts, Sessions } from "../../tenancy/identity/Accounts.ts"
import { Invites } from "../../tenancy/identity/Members.ts"
import { isToken, type TokenKind } from "../../tenancy/identity/tokens.ts"
import { AccessMode } from "../http/AccessMode.ts"
import { page } from "../http/routeTable.ts"
import {
  asPage,
  button,
  field,
  form,
  formOf,
  hidden,
  nextCommand,
  paragraph,
  problemOf,
  show,
  type Visit
} from "./Visit.ts"

const decodeEmail = Schema.decodeUnknownOption(Email)
const decodeName = Schema.decodeUnknownOption(OrganizationName)

/** Mail programs break links, and mail scanners follow them, so a GET checks only the token's form. */
const tokenOf = (kind: TokenKind, written: string) => {
  const token = Redacted.make(written)
  return isToken(kind, token)
    ? Effect.succeed(token)
    : new NotFound({
        resource: kind === "invite" ? "invite" : "token",
        resourceName: "link",
        detail: "This link is incomplete. Copy all of it from the mail into the address bar."
      })
}

const oneButton = (visit: Visit, path: string, token: Redacted.Redacted, title: string, intro: string, label: string) =>
  show(visit, title, paragraph(intro) + form(visit, path, hidden("token", Redacted.value(token)) + button(label)))

interface Typed {
  readonly email: string
  readonly organization: string
}

interface Refused {
  readonly status: 409 | 422
  /** HTML. */
  readonly problem: string
  readonly field?: keyof Typed
}

const bootstrapForm = (
  visit: Visit,
  token: Redacted.Redacted,
  { email, organization }: Typed = { email: "", organization: "" },
  refused?: Refused
) =>
  show(
    visit,
    visit.say.bootstrapTitle,
    paragraph(visit.say.bootstrapIntro) +
      (refused?.problem ?? "") +
      form(
        visit,
        page.bootstrap,
        hidden("token", Redacted.value(token)) +
          field(visit.say.email, "email", 'type="email" autocomplete="email" maxlength="254"', {
            value: email.slice(0, 254),
            invalid: refused?.field === "email",
            focused: refused?.field !== "organization"
          }) +
          field(visit.say.organization, "organization", 'maxlength="30" autocomplete="off" autocapitalize="none"', {
            value: organization.slice(0, 30),
            invalid: refused?.field === "organization",
            focused: refused?.field === "organization"
          }) +
          button(visit.say.bootstrapButton)
      ),
    refused?.status
  )

/** Creates the first account and its organization, or shows the form again with its errors. */
const bootstrap = (
  accounts: typeof Accounts.Service,
  sessions: typeof Sessions.Service,
  visit: Visit,
  bootstrapToken: Redacted.Redacted,
  typed: Typed
) =>
  Effect.gen(function* () {
    const email = decodeEmail(typed.email)
    const organization = decodeName(typed.organization)
    if (Option.isNone(email) || Option.isNone(organization)) {
      const wrong = Option.isNone(email) ? visit.say.wrongEmail : visit.say.wrongOrganization
      return bootstrapForm(visit, bootstrapToken, typed, {
        status: 422,
        problem: paragraph(wrong, "problem"),
        field: Option.isNone(email) ? "email" : "organization"
      })
    }
    const input = { email: email.value, organization: organization.value, bootstrapToken }
    const grant = yield* Effect.either(accounts.register(input))
    if (grant._tag === "Left") {
      if (!(grant.left instanceof Conflict)) return yield* grant.left
      return bootstrapForm(visit, bootstrapToken, typed, { status: 409, problem: problemOf(visit, grant.left) })
    }
    yield* sessions.discard(grant.right)
    const made = visit.say.bootstrapped(grant.right.organization)
    return show(visit, visit.say.bootstrapTitle, paragraph(made) + nextCommand(visit))
  })

/** The targets of mailed links and of the first start's link. Only the button changes anything. */
export const linkPages = HttpLayerRouter.use((router) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const invites = yield* Invites
    const sessions = yield* Sessions
    const { publicUrl } = yield* AccessMode

    yield* router.add(
      "GET",
      page.verify,
      asPage(publicUrl, (visit) =>
        Effect.map(tokenOf("oneTime", visit.query.get("token") ?? ""), (token) =>
          oneButton(visit, page.verify, token, visit.say.verifyTitle, visit.say.verifyIntro, visit.say.verifyButton)
        )
      )
    )
    yield* router.add(
      "POST",
      page.verify,
      asPage(publicUrl, (visit, request) =>
        Effect.gen(function* () {
          const fields = yield* formOf(request, visit)
          const user = yield* accounts.verify(yield* tokenOf("oneTime", fields.get("token")))
          return show(visit, visit.say.verifyTitle, paragraph(visit.say.verified(user.email)) + nextCommand(visit))
        })
      )
    )

    yield* router.add(
      "GET",
      page.acceptInvite,
      asPage(publicUrl, (visit) =>
        Effect.map(tokenOf("invite", visit.query.get("token") ?? ""), (token) =>
          oneButton(
            visit,
            page.acceptInvite,
            token,
            visit.say.inviteTitle,
            visit.say.inviteIntro,
            visit.say.inviteButton
          )
        )
      )
    )
    yield* router.add(
      "POST",
      page.acceptInvite,
      asPage(publicUrl, (visit, request) =>
        Effect.gen(function* () {
          const fields = yield* formOf(request, visit)
          const grant = yield* invites.accept(yield* tokenOf("invite", fields.get("token")))
          yield* sessions.discard(grant)
          const joined = visit.say.joined(grant.organization, grant.role)
          return show(visit, visit.say.inviteTitle, paragraph(joined) + nextCommand(visit))
        })
      )
    )

    yield* router.add(
      "GET",
      page.bootstrap,
      asPage(publicUrl, (visit) =>
        Effect.map(tokenOf("oneTime", visit.query.get("token") ?? ""), (token) => bootstrapForm(visit, token))
      )
    )
    yield* router.add(
      "POST",
      page.bootstrap,
      asPage(publicUrl, (visit, request) =>
        Effect.gen(function* () {
          const fields = yield* formOf(request, visit)
          const token = yield* tokenOf("oneTime", fields.get("token"))
          const typed = { email: fields.get("email"), organization: fields.get("organization") }
          return yield* bootstrap(accounts, sessions, visit, token, typed)
        })
      )
    )
  })
)
