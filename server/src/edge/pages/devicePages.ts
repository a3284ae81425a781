import { HttpLayerRouter } from "@effect/platform"
import { OrganizationName } from "@maxcloud/config-schema"
import { InvalidRequest, NotFound } from "@maxcloud/sdk/api"
import { Effect, Either, Schema } from "effect"
import { escapeHtml } from "../../base/pages/escapeHtml.ts"
import { ClientAddress } from "../../tenancy/access/Caller.ts"
import { Accounts, type AskingDevice, type BrowserPerson, Devices, Sessions } from "../../tenancy/identity/Accounts.ts"
import { AccessMode } from "../http/AccessMode.ts"
import { page } from "../http/routeTable.ts"
import { newCookie } from "./browserCookie.ts"
import { devicePage } from "./signInPages.ts"
import { asPage, button, field, form, formOf, goTo, hidden, paragraph, problemOf, show, type Visit } from "./Visit.ts"

const decodeName = Schema.decodeUnknownEither(OrganizationName)

const noSuchOrganization = () =>
  new NotFound({
    resource: "organization",
    resourceName: "organization",
    detail: "You aren't a member of this organization."
  })

const wrongName = ({ say }: Visit) => new InvalidRequest({ detail: say.wrongOrganization, errors: [] })

/** Asks for the code that the program shows. By GET, because it only leads to another question. */
const codeForm = (visit: Visit, person: BrowserPerson, problem?: NotFound) =>
  show(
    visit,
    visit.say.deviceTitle,
    paragraph(visit.say.signedInAs(person.email), "soft") +
      problemOf(visit, problem) +
      paragraph(visit.say.deviceCodeIntro) +
      `<form method="get" action="${page.device}">${field(visit.say.code, "user_code", 'autocomplete="off" autocapitalize="characters" maxlength="20"', { invalid: problem !== undefined })}${button(visit.say.goOn)}</form>`,
    problem === undefined ? 200 : problem.status
  )

const choice = (visit: Visit, names: ReadonlyArray<string>) => {
  const radios = names.map(
    (name) =>
      `<label class="choice"><input type="radio" name="organization" required value="${escapeHtml(name)}"${names.length === 1 ? " checked" : ""}> ${escapeHtml(name)}</label>`
  )
  return `<fieldset><legend>${escapeHtml(visit.say.whichOrganization)}</legend>${radios.join("")}</fieldset>`
}

/** Helps people recognize whether they started the program: its address and time, and their own address (RFC 8628, 5.4). */
const originOf = ({ say }: Visit, { askedAt, clientAddress }: AskingDevice, ownAddress: string | undefined) =>
  paragraph(
    say.deviceOrigin(
      clientAddress ?? say.unknownAddress,
      askedAt.toISOString().slice(0, 16).replace("T", " "),
      ownAddress ?? say.unknownAddress
    )
  )

const confirmation = (
  visit: Visit,
  person: BrowserPerson,
  asking: AskingDevice,
  ownAddress: string | undefined,
  organizations: ReadonlyArray<string>,
  mayCreate: boolean
) =>
  show(
    visit,
    visit.say.deviceTitle,
    paragraph(visit.say.signedInAs(person.email), "soft") +
      paragraph(visit.say.deviceAsks(asking.clientName)) +
      `<pre class="code">${escapeHtml(asking.userCode)}</pre>` +
      originOf(visit, asking, ownAddress) +
      paragraph(visit.say.deviceWarning) +
      form(
        visit,
        page.device,
        hidden("user_code", asking.userCode) +
          (organizations.length === 0
            ? mayCreate
              ? paragraph(visit.say.noOrganizationYet, "problem") +
                field(
                  visit.say.organization,
                  "organization",
                  'maxlength="30" autocomplete="off" autocapitalize="none"'
                ) +
                button(visit.say.createOrganization, "decision", "create")
              : paragraph(visit.say.noOrganization, "problem")
            : choice(visit, organizations) + button(visit.say.approve, "decision", "approve"))
      ) +
      // A separate form, because denying needs no organization.
      form(
        visit,
        page.device,
        hidden("user_code", asking.userCode) + button(visit.say.deny, "decision", "deny", "second")
      )
  )

const answered = (visit: Visit, answer: "approved" | "denied") =>
  show(visit, visit.say.deviceTitle, paragraph(visit.say[answer]))

/** Lets a program sign in (RFC 8628, 3.3): a signed-in person types or compares a code. */
export const devicePages = HttpLayerRouter.use((router) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const devices = yield* Devices
    const sessions = yield* Sessions
    const { publicUrl } = yield* AccessMode

    const personOf = ({ cookie }: Visit) =>
      cookie.state === "signedIn" ? accounts.browserPerson(cookie.token) : Effect.succeed(undefined)

    const toSignIn = (visit: Visit, userCode: string | null) =>
      goTo(
        visit.cookie.state === "signedIn" ? { ...visit, cookie: newCookie() } : visit,
        devicePage(userCode).replace(page.device, page.signIn)
      )

    yield* router.add(
      "GET",
      page.device,
      asPage(publicUrl, (visit) =>
        Effect.gen(function* () {
          const userCode = visit.query.get("user_code")
          const answer = visit.query.get("answer")
          if (answer === "approved" || answer === "denied") return answered(visit, answer)
          const person = yield* personOf(visit)
          if (person === undefined) return toSignIn(visit, userCode)
          if (userCode === null) return codeForm(visit, person)
          const asking = yield* Effect.either(devices.find(userCode))
          if (Either.isLeft(asking)) {
            if (asking.left._tag !== "NotFound") return yield* asking.left
            return codeForm(visit, person, asking.left)
          }
          const organizations = yield* sessions.organizationsOf(person.userId)
          return confirmation(
            visit,
            person,
            asking.right,
            yield* ClientAddress,
            organizations.map((organization) => organization.name),
            yield* accounts.isOpen
          )
        })
      )
    )

    yield* router.add(
      "POST",
      page.device,
      asPage(publicUrl, (visit, request) =>
        Effect.gen(function* () {
          const fields = yield* formOf(request, visit)
          const userCode = fields.get("user_code")
          const person = yield* personOf(visit)
          if (person === undefined) return toSignIn(visit, userCode)
          const decision = fields.get("decision")
          if (decision === "create") {
            const name = yield* Effect.mapError(decodeName(fields.get("organization")), () => wrongName(visit))
            yield* accounts.createOrganization(person.userId, name)
            // Approving is a separate step, as for everybody.
            return goTo(visit, devicePage(userCode))
          }
          const approves = decision === "approve"
          if (approves) {
            const organization = yield* Effect.mapError(decodeName(fields.get("organization")), noSuchOrganization)
            yield* devices.approve(userCode, person.userId, organization)
          } else {
            yield* devices.deny(userCode, person.userId)
          }
          // By GET, so that reloading or returning to the page doesn't answer again.
          return goTo(visit, `${page.device}?answer=${approves ? "approved" : "denied"}`)
        })
      )
    )
  })
)
