import { get } from "node:http"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, layer as describeOn, it as itAlone } from "@effect/vitest"
import { Email } from "@maxcloud/sdk/api"
import { Effect, Redacted } from "effect"
import * as fc from "fast-check"
import { testApi } from "../../../test/api/testApi.ts"
import { codeTo, mailTo, newNames, Seen, testIdentity, tokenTo } from "../../../test/identity/testIdentity.ts"
import { languageOf } from "../../base/pages/acceptLanguage.ts"
import { ClientAddress } from "../../tenancy/access/Caller.ts"
import { Accounts, Devices, Sessions } from "../../tenancy/identity/Accounts.ts"
import { Invites } from "../../tenancy/identity/Members.ts"
import { RateLimits } from "../../tenancy/limits/RateLimits.ts"
import { Organizations } from "../../tenancy/organizations/Organizations.ts"
import { formToken, isFormToken, newCookie, readCookie, writeCookie } from "./browserCookie.ts"

interface Answer {
  readonly status: number
  readonly html: string
  readonly headers: Headers
}

/** A browser that keeps the cookie, follows redirects, and sends forms as they are shown. */
const newBrowser = (url: string, language = "en") => {
  let cookie: string | undefined
  const request = (path: string, init: RequestInit = {}): Effect.Effect<Answer> =>
    Effect.promise(async () => {
      const headers = new Headers({ "accept-language": language, ...(cookie === undefined ? {} : { cookie }) })
      for (const [name, value] of new Headers(init.headers)) headers.set(name, value)
      const response = await fetch(new URL(path, url), { ...init, redirect: "manual", headers })
      cookie = response.headers.get("set-cookie")?.split(";", 1)[0] ?? cookie
      return { status: response.status, html: await response.text(), headers: response.headers }
    }).pipe(
      Effect.flatMap((answer) => {
        const location = answer.headers.get("location")
        return answer.status === 303 && location !== null ? request(location) : Effect.succeed(answer)
      })
    )
  return {
    get: (path: string, headers: Readonly<Record<string, string>> = {}) => request(path, { headers }),
    send: (path: string, body: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) =>
      request(path, { method: "POST", body: new URLSearchParams(body), headers }),
    /** Sends the form of a page with what is typed; the hidden fields are those of the form that has the button. */
    submit: ({ html }: Answer, action: string, typed: Readonly<Record<string, string>>) =>
      request(action, { method: "POST", body: new URLSearchParams({ ...hiddenOf(html), ...typed }) }),
    cookie: () => cookie
  }
}

const hiddenOf = (html: string) =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(([, name, value]) => [name, value])
  )

const served = Effect.gen(function* () {
  const { url } = yield* testApi({
    accounts: yield* Accounts,
    devices: yield* Devices,
    sessions: yield* Sessions,
    invites: yield* Invites,
    rateLimits: yield* RateLimits
  })
  return url
})

/** Of who has an account, a browser that is signed in. */
const signedIn = Effect.gen(function* () {
  const url = yield* served
  const names = newNames("w")
  const grant = yield* Effect.flatMap(Accounts, (accounts) => accounts.register(names))
  const browser = newBrowser(url)
  const first = yield* browser.get("/auth/sign-in")
  const second = yield* browser.submit(first, "/auth/sign-in", { step: "email", email: names.email })
  const code = Redacted.value(yield* codeTo(names.email))
  const third = yield* browser.submit(second, "/auth/sign-in", { step: "code", code })
  return { ...names, url, browser, grant, third }
})

const sessionsOf = (userId: string) =>
  Effect.flatMap(SqlClient, (sql) => sql`select 1 from sessions where user_id = ${userId}`).pipe(
    Effect.map((found) => found.length)
  )

describeOn(testIdentity(), { excludeTestServices: true })("the pages under /auth", (it) => {
  it.scoped("the link of the first start makes the first account, and says how to go on", () =>
    Effect.gen(function* () {
      const browser = newBrowser(yield* served)
      const token = yield* Effect.flatMap(Accounts, (accounts) => accounts.bootstrapToken)
      const path = `/auth/bootstrap?token=${Redacted.value(token ?? assert.fail("no link"))}`
      const names = newNames("w")
      const shown = yield* browser.get(path)
      const wrong = yield* browser.submit(shown, "/auth/bootstrap", { email: "<b>", organization: names.organization })
      assert.strictEqual(wrong.status, 422)
      assert.include(wrong.html, "ada@example.com")
      assert.notInclude(wrong.html, "<b>")
      const kept = yield* browser.submit(wrong, "/auth/bootstrap", { email: names.email, organization: "local" })
      assert.strictEqual(kept.status, 409)
      const done = yield* browser.submit(kept, "/auth/bootstrap", names)
      assert.strictEqual(done.status, 200)
      assert.include(done.html, "maxcloud auth login --api-url http://localhost")
      assert.include(done.html, names.organization)
      const sql = yield* SqlClient
      assert.lengthOf(yield* sql`select 1 from users where email = ${names.email} and verified_at is not null`, 1)
      assert.lengthOf(yield* sql`select 1 from sessions`, 0)
      const again = yield* browser.submit(kept, "/auth/bootstrap", newNames("w"))
      assert.strictEqual(again.status, 403)
    })
  )

  it.scoped("a program is let in by who signs in, with the code that the program shows", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { browser, grant, organization, third } = yield* signedIn
      assert.strictEqual(third.status, 200)
      assert.include(third.html, "Enter the code")
      assert.match(browser.cookie() ?? "", /^maxcloud_sign_in=s\.mcv_/)
      const asking = devices.start("cli <i>on</i> ada's\u202E")
      const codes = yield* Effect.provideService(asking, ClientAddress, "203.0.113.7")
      const unknown = yield* browser.get("/auth/device?user_code=BBBB-BBBB")
      assert.strictEqual(unknown.status, 404)
      const asked = yield* browser.get(`/auth/device?user_code=${codes.userCode.toLowerCase()}`)
      assert.include(asked.html, "cli &#60;i&#62;on&#60;/i&#62; ada&#39;s")
      assert.include(asked.html, codes.userCode)
      assert.match(asked.html, /network address 203\.0\.113\.7 \(\d{4}-\d\d-\d\d \d\d:\d\d UTC\)/)
      assert.include(asked.html, "Your browser&#39;s address is 127.0.0.1.")
      assert.notInclude(asked.html, "\u202E")
      const german = yield* browser.get(`/auth/device?user_code=${codes.userCode}`, { "accept-language": "de" })
      assert.include(german.html, "Die Anfrage kam von der IP-Adresse 203.0.113.7 (")
      assert.include(german.html, "Ihr Browser hat die Adresse 127.0.0.1.")
      assert.strictEqual((yield* devices.poll(codes.deviceCode)).state, "pending")
      const foreign = yield* browser.submit(asked, "/auth/device", { decision: "approve", organization: "x" })
      assert.strictEqual(foreign.status, 404)
      const done = yield* browser.submit(asked, "/auth/device", { decision: "approve", organization })
      assert.include(done.html, "Approved")
      const poll = yield* devices.poll(codes.deviceCode)
      assert.strictEqual(poll.state === "granted" ? poll.session.user.id : poll.state, grant.user.id)
    })
  )

  it.scoped("visitors who aren't signed in are asked to, and return to the code", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const url = yield* served
      const names = newNames("w")
      yield* Effect.flatMap(Accounts, (accounts) => accounts.register(names))
      const codes = yield* devices.start("maxcloud on ada-laptop")
      const browser = newBrowser(url)
      const first = yield* browser.get(`/auth/device?user_code=${codes.userCode}`)
      const second = yield* browser.submit(first, "/auth/sign-in", { step: "email", email: names.email })
      const wrong = yield* browser.submit(second, "/auth/sign-in", { step: "code", code: "BBBB-BBBB" })
      assert.strictEqual(wrong.status, 422)
      const code = Redacted.value(yield* codeTo(names.email))
      const asked = yield* browser.submit(wrong, "/auth/sign-in", { step: "code", code })
      assert.include(asked.html, "maxcloud on ada-laptop")
      const done = yield* browser.submit(asked, "/auth/device", { decision: "deny" })
      assert.include(done.html, "Denied")
      assert.deepStrictEqual(yield* devices.poll(codes.deviceCode), { state: "denied" })
    })
  )

  it.scoped("signing in looks the same without an account, and another address may be typed", () =>
    Effect.gen(function* () {
      const browser = newBrowser(yield* served)
      const first = yield* browser.get("/auth/sign-in")
      const wrong = yield* browser.submit(first, "/auth/sign-in", { step: "email", email: "nobody" })
      assert.strictEqual(wrong.status, 422)
      const second = yield* browser.submit(first, "/auth/sign-in", { step: "email", email: "nobody@example.com" })
      assert.include(second.html, "If this address has an account")
      const again = yield* browser.submit(second, "/auth/sign-in", { step: "again" })
      assert.include(again.html, "We mail you a code")
    })
  )

  it.scoped("the links of mails change nothing until the button is pressed, however often they are followed", () =>
    Effect.gen(function* () {
      const url = yield* served
      const { told } = yield* Seen
      const names = newNames("w")
      const { user } = yield* Effect.flatMap(Accounts, (accounts) => accounts.register(names))
      const organization = yield* Effect.flatMap(Organizations, (organizations) =>
        organizations.find(names.organization)
      ).pipe(Effect.flatMap(Effect.orDie))
      const verify = `/auth/verify?token=${Redacted.value(yield* tokenTo(names.email))}`
      const invited = Email.make(newNames("w").email)
      const caller = {
        organization,
        roles: ["owner"] as const,
        scopes: undefined,
        credential: { type: "local" } as const,
        person: undefined
      }
      yield* Effect.flatMap(Invites, (invites) =>
        invites.create(caller, { email: invited, role: "viewer", expiresInSeconds: 3600 })
      )
      const accept = `/auth/accept-invite?token=${Redacted.value(yield* tokenTo(invited))}`
      const before = told.length
      for (const path of [verify, accept, verify, accept]) {
        assert.strictEqual((yield* newBrowser(url).get(path)).status, 200)
      }
      assert.lengthOf(told, before)
      const browser = newBrowser(url)
      const done = yield* browser.submit(yield* browser.get(verify), "/auth/verify", {})
      assert.include(done.html, `${names.email} is confirmed`)
      const once = yield* browser.submit(yield* browser.get(verify), "/auth/verify", {})
      assert.strictEqual(once.status, 404)
      const joined = yield* browser.submit(yield* browser.get(accept), "/auth/accept-invite", {})
      assert.include(joined.html, "maxcloud auth login --api-url http://localhost")
      assert.include(joined.html, names.organization)
      const twice = yield* browser.submit(yield* browser.get(accept), "/auth/accept-invite", {})
      assert.strictEqual(twice.status, 404)
      assert.include(twice.html, "accepted already")
      assert.strictEqual(yield* sessionsOf(user.id), 1)
    })
  )

  it.scoped("broken links are told as such", () =>
    Effect.gen(function* () {
      const browser = newBrowser(yield* served)
      for (const path of ["verify", "accept-invite", "bootstrap"]) {
        for (const token of ["", "?token=", "?token=mci_%3Cscript%3E", "?token=%00"]) {
          const { html, status } = yield* browser.get(`/auth/${path}${token}`)
          assert.strictEqual(status, token.includes("%00") ? 400 : 404)
          assert.notInclude(html, "script")
        }
      }
    })
  )

  it.scoped("forms of elsewhere are refused, and do nothing", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { browser, organization, url } = yield* signedIn
      const codes = yield* devices.start("maxcloud")
      const asked = yield* browser.get(`/auth/device?user_code=${codes.userCode}`)
      const all = { ...hiddenOf(asked.html), decision: "approve", organization }
      const attempts = [
        browser.send("/auth/device", { ...all, form_token: "" }),
        browser.send("/auth/device", { ...all, form_token: formToken(newCookie()) }),
        browser.send("/auth/device", all, { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }),
        browser.send("/auth/device", all, { "sec-fetch-site": "same-site" }),
        browser.send("/auth/device", all, { origin: "https://evil.example" }),
        browser.send("/auth/device", all, { origin: "null" }),
        browser.send("/auth/device", all, { "content-type": "text/plain" }),
        browser.send("/auth/device", all, { cookie: "maxcloud_sign_in=x" }),
        newBrowser(url).send("/auth/device", all),
        browser.send("/auth/device", { ...all, more: "x".repeat(20_000) }),
        browser.send("/auth/device", { ...all, more: "\0" })
      ]
      for (const attempt of attempts) assert.strictEqual((yield* attempt).status, 403)
      assert.strictEqual((yield* devices.poll(codes.deviceCode)).state, "pending")
      const host = new URL(url).origin
      const own = yield* browser.send("/auth/device", all, { origin: host, "sec-fetch-site": "same-origin" })
      assert.include(own.html, "Approved")
    })
  )

  it.scoped("links may be followed from other sites", () =>
    Effect.gen(function* () {
      const url = yield* served
      const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }
      // `fetch` says for itself what it is.
      const status = yield* Effect.async<number | undefined>((resume) => {
        get(`${url}/auth/sign-in`, { headers }, (response) => {
          response.resume()
          resume(Effect.succeed(response.statusCode))
        })
      })
      assert.strictEqual(status, 200)
    })
  )

  it.scoped("too many requests get a page with Retry-After, and pages run no scripts and can't be framed", () =>
    Effect.gen(function* () {
      const { usedUp } = yield* Seen
      const browser = newBrowser(yield* served, "de-DE,de;q=0.9,en;q=0.5")
      const first = yield* browser.get("/auth/sign-in")
      assert.include(first.html, '<html lang="de">')
      assert.include(first.html, "Anmelden")
      assert.include(first.html, '<meta name="referrer" content="same-origin">')
      const policy = first.headers.get("content-security-policy") ?? ""
      for (const rule of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"]) {
        assert.include(policy, rule)
      }
      const cookie = first.headers.get("set-cookie") ?? ""
      for (const part of ["HttpOnly", "SameSite=Strict", "Path=/auth", "Max-Age=900"]) assert.include(cookie, part)
      usedUp.add("sign-in-email-address")
      const refused = yield* browser.submit(first, "/auth/sign-in", { step: "email", email: "x@example.com" })
      usedUp.clear()
      assert.strictEqual(refused.status, 429)
      assert.strictEqual(refused.headers.get("retry-after"), "30")
      assert.include(refused.html, "30 Sekunden")
    })
  )

  it.scoped("the code is mailed in the language of the page", () =>
    Effect.gen(function* () {
      const url = yield* served
      for (const [language, subject] of [
        ["de-AT", "Ihr Anmeldecode für max-cloud"],
        ["fr", "Your max-cloud sign-in code"]
      ] as const) {
        const names = newNames("w")
        yield* Effect.flatMap(Accounts, (accounts) => accounts.register(names))
        const browser = newBrowser(url, language)
        const first = yield* browser.get("/auth/sign-in")
        yield* browser.submit(first, "/auth/sign-in", { step: "email", email: names.email })
        assert.strictEqual((yield* mailTo(names.email)).subject, subject)
      }
    })
  )

  it.scoped("a person without a membership creates an organization, and continues with it", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { browser, grant, organization } = yield* signedIn
      const sql = yield* SqlClient
      yield* sql`delete from memberships where user_id = ${grant.user.id}`
      const { deviceCode, userCode } = yield* devices.start("cli")
      const asked = yield* browser.get(`/auth/device?user_code=${userCode}`)
      assert.include(asked.html, "a member of any organization")
      const create = (name: string) => browser.submit(asked, "/auth/device", { decision: "create", organization: name })
      assert.strictEqual((yield* create("No Name")).status, 400)
      assert.strictEqual((yield* create("local")).status, 409)
      assert.strictEqual((yield* create(organization)).status, 409)
      const own = newNames("own").organization
      const made = yield* create(own)
      assert.strictEqual(made.status, 200)
      assert.include(made.html, own)
      yield* browser.submit(made, "/auth/device", { decision: "approve", organization: own })
      const progress = yield* devices.poll(deviceCode)
      assert.strictEqual(progress.state, "granted")
      const sessions = yield* Effect.flatMap(Sessions, (sessions) => sessions.organizationsOf(grant.user.id))
      assert.deepStrictEqual(sessions, [{ name: own, role: "owner" }])
    })
  )

  it.scoped("other methods are none of theirs", () =>
    Effect.gen(function* () {
      const url = yield* served
      const put = yield* Effect.promise(() => fetch(`${url}/auth/verify`, { method: "PUT" }))
      assert.strictEqual(put.status, 405)
      const head = yield* Effect.promise(() => fetch(`${url}/auth/sign-in`, { method: "HEAD" }))
      assert.strictEqual(head.status, 200)
    })
  )
})

describe("the cookie of the pages", () => {
  itAlone("is read as it was written, is Secure over TLS, and ties forms to itself", () => {
    const cookie = newCookie()
    const written = writeCookie(cookie, true)
    assert.match(written, /^__Host-.*; Path=\/; Secure;/)
    assert.notMatch(writeCookie(cookie, false), /Secure/)
    const read = readCookie(`a=b; ${written.split(";", 1)[0]}; c=d`, true)
    assert.isDefined(read)
    assert.isTrue(read !== undefined && isFormToken(read, formToken(cookie)))
    assert.isFalse(isFormToken(cookie, formToken(newCookie())))
    assert.isFalse(isFormToken(cookie, ""))
  })

  itAlone("is nothing else, whatever is sent", () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        assert.isUndefined(readCookie(header, false))
        assert.isUndefined(readCookie(`maxcloud_sign_in=${header.slice(0, 20)}`, false))
      })
    )
  })
})

describe("the language of a page", () => {
  itAlone("is what the browser would rather have", () => {
    for (const accepted of ["de", "de-AT", "de,en;q=0.9", "fr, de;q=0.8, en;q=0.2", "en;q=0.1, de-DE"]) {
      assert.strictEqual(languageOf(accepted), "de")
    }
    for (const accepted of [undefined, "", "en", "en-US,en;q=0.9,de;q=0.8", "fr", "*", "de;q=0", ";;,,q=", "den"]) {
      assert.strictEqual(languageOf(accepted), "en")
    }
  })
})
