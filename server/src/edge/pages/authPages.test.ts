import { get } from "node:http"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, layer as describeOn, expect, it as itAlone } from "@effect/vitest"
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

/** A browser that keeps the cookie, follows redirects, and sends forms as shown. */
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
    /** Submits a page's form with the given input; the hidden fields are those of the form with the button. */
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

/** A signed-in browser of a person with an account. */
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
  it.scoped("the link of the first start creates the first account, and explains how to continue", () =>
    Effect.gen(function* () {
      const browser = newBrowser(yield* served)
      const token = yield* Effect.flatMap(Accounts, (accounts) => accounts.bootstrapToken)
      const path = `/auth/bootstrap?token=${Redacted.value(token ?? expect.unreachable("no link"))}`
      const names = newNames("w")
      const shown = yield* browser.get(path)
      const wrong = yield* browser.submit(shown, "/auth/bootstrap", { email: "<b>", organization: names.organization })
      expect(wrong.status).toBe(422)
      expect(wrong.html).toContain("ada@example.com")
      expect(wrong.html).not.toContain("<b>")
      const kept = yield* browser.submit(wrong, "/auth/bootstrap", { email: names.email, organization: "local" })
      expect(kept.status).toBe(409)
      const done = yield* browser.submit(kept, "/auth/bootstrap", names)
      expect(done.status).toBe(200)
      expect(done.html).toContain("maxcloud auth login --api-url http://localhost")
      expect(done.html).toContain(names.organization)
      const sql = yield* SqlClient
      expect(yield* sql`select 1 from users where email = ${names.email} and verified_at is not null`).toHaveLength(1)
      expect(yield* sql`select 1 from sessions`).toHaveLength(0)
      const again = yield* browser.submit(kept, "/auth/bootstrap", newNames("w"))
      expect(again.status).toBe(403)
    })
  )

  it.scoped("a signed-in person lets a program in with the code that the program shows", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { browser, grant, organization, third } = yield* signedIn
      expect(third.status).toBe(200)
      expect(third.html).toContain("Enter the code")
      expect(browser.cookie() ?? "").toMatch(/^maxcloud_sign_in=s\.mcv_/)
      const asking = devices.start("cli <i>on</i> ada's\u202E")
      const codes = yield* Effect.provideService(asking, ClientAddress, "203.0.113.7")
      const unknown = yield* browser.get("/auth/device?user_code=BBBB-BBBB")
      expect(unknown.status).toBe(404)
      const asked = yield* browser.get(`/auth/device?user_code=${codes.userCode.toLowerCase()}`)
      expect(asked.html).toContain("cli &#60;i&#62;on&#60;/i&#62; ada&#39;s")
      expect(asked.html).toContain(codes.userCode)
      expect(asked.html).toMatch(/network address 203\.0\.113\.7 \(\d{4}-\d\d-\d\d \d\d:\d\d UTC\)/)
      expect(asked.html).toContain("Your browser&#39;s address is 127.0.0.1.")
      expect(asked.html).not.toContain("\u202E")
      const german = yield* browser.get(`/auth/device?user_code=${codes.userCode}`, { "accept-language": "de" })
      expect(german.html).toContain("Die Anfrage kam von der IP-Adresse 203.0.113.7 (")
      expect(german.html).toContain("Ihr Browser hat die Adresse 127.0.0.1.")
      expect((yield* devices.poll(codes.deviceCode)).state).toBe("pending")
      const foreign = yield* browser.submit(asked, "/auth/device", { decision: "approve", organization: "x" })
      expect(foreign.status).toBe(404)
      const done = yield* browser.submit(asked, "/auth/device", { decision: "approve", organization })
      expect(done.html).toContain("Approved")
      const poll = yield* devices.poll(codes.deviceCode)
      expect(poll.state === "granted" ? poll.session.user.id : poll.state).toBe(grant.user.id)
    })
  )

  it.scoped("signed-out visitors must sign in, and then return to the code", () =>
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
      expect(wrong.status).toBe(422)
      const code = Redacted.value(yield* codeTo(names.email))
      const asked = yield* browser.submit(wrong, "/auth/sign-in", { step: "code", code })
      expect(asked.html).toContain("maxcloud on ada-laptop")
      const done = yield* browser.submit(asked, "/auth/device", { decision: "deny" })
      expect(done.html).toContain("Denied")
      expect(yield* devices.poll(codes.deviceCode)).toStrictEqual({ state: "denied" })
    })
  )

  it.scoped("signing in looks the same without an account, and allows another address", () =>
    Effect.gen(function* () {
      const browser = newBrowser(yield* served)
      const first = yield* browser.get("/auth/sign-in")
      const wrong = yield* browser.submit(first, "/auth/sign-in", { step: "email", email: "nobody" })
      expect(wrong.status).toBe(422)
      const second = yield* browser.submit(first, "/auth/sign-in", { step: "email", email: "nobody@example.com" })
      expect(second.html).toContain("If this address has an account")
      const again = yield* browser.submit(second, "/auth/sign-in", { step: "again" })
      expect(again.html).toContain("We&#39;ll mail you a code")
    })
  )

  it.scoped("mailed links change nothing until the button is pressed, however often they are opened", () =>
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
        expect((yield* newBrowser(url).get(path)).status).toBe(200)
      }
      expect(told).toHaveLength(before)
      const browser = newBrowser(url)
      const done = yield* browser.submit(yield* browser.get(verify), "/auth/verify", {})
      expect(done.html).toContain(`${names.email} is confirmed`)
      const once = yield* browser.submit(yield* browser.get(verify), "/auth/verify", {})
      expect(once.status).toBe(404)
      const joined = yield* browser.submit(yield* browser.get(accept), "/auth/accept-invite", {})
      expect(joined.html).toContain("maxcloud auth login --api-url http://localhost")
      expect(joined.html).toContain(names.organization)
      const twice = yield* browser.submit(yield* browser.get(accept), "/auth/accept-invite", {})
      expect(twice.status).toBe(404)
      expect(twice.html).toContain("was already accepted")
      expect(yield* sessionsOf(user.id)).toBe(1)
    })
  )

  it.scoped("broken links are reported as broken", () =>
    Effect.gen(function* () {
      const browser = newBrowser(yield* served)
      for (const path of ["verify", "accept-invite", "bootstrap"]) {
        for (const token of ["", "?token=", "?token=mci_%3Cscript%3E", "?token=%00"]) {
          const { html, status } = yield* browser.get(`/auth/${path}${token}`)
          expect(status).toBe(token.includes("%00") ? 400 : 404)
          expect(html).not.toContain("script")
        }
      }
    })
  )

  it.scoped("forms from other sites are refused, and do nothing", () =>
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
      for (const attempt of attempts) expect((yield* attempt).status).toBe(403)
      expect((yield* devices.poll(codes.deviceCode)).state).toBe("pending")
      const host = new URL(url).origin
      const own = yield* browser.send("/auth/device", all, { origin: host, "sec-fetch-site": "same-origin" })
      expect(own.html).toContain("Approved")
    })
  )

  it.scoped("links may be followed from other sites", () =>
    Effect.gen(function* () {
      const url = yield* served
      const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }
      // `fetch` sets its own `Sec-Fetch` headers.
      const status = yield* Effect.async<number | undefined>((resume) => {
        get(`${url}/auth/sign-in`, { headers }, (response) => {
          response.resume()
          resume(Effect.succeed(response.statusCode))
        })
      })
      expect(status).toBe(200)
    })
  )

  it.scoped("too many requests get a page with Retry-After, and pages run no scripts and can't be framed", () =>
    Effect.gen(function* () {
      const { usedUp } = yield* Seen
      const browser = newBrowser(yield* served, "de-DE,de;q=0.9,en;q=0.5")
      const first = yield* browser.get("/auth/sign-in")
      expect(first.html).toContain('<html lang="de">')
      expect(first.html).toContain("Anmelden")
      expect(first.html).toContain('<meta name="referrer" content="same-origin">')
      const policy = first.headers.get("content-security-policy") ?? ""
      for (const rule of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"]) {
        expect(policy).toContain(rule)
      }
      const cookie = first.headers.get("set-cookie") ?? ""
      for (const part of ["HttpOnly", "SameSite=Strict", "Path=/auth", "Max-Age=900"]) expect(cookie).toContain(part)
      usedUp.add("sign-in-email-address")
      const refused = yield* browser.submit(first, "/auth/sign-in", { step: "email", email: "x@example.com" })
      usedUp.clear()
      expect(refused.status).toBe(429)
      expect(refused.headers.get("retry-after")).toBe("30")
      expect(refused.html).toContain("30 Sekunden")
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
        expect((yield* mailTo(names.email)).subject).toBe(subject)
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
      expect(asked.html).toContain("a member of any organization")
      const create = (name: string) => browser.submit(asked, "/auth/device", { decision: "create", organization: name })
      expect((yield* create("No Name")).status).toBe(400)
      expect((yield* create("local")).status).toBe(409)
      expect((yield* create(organization)).status).toBe(409)
      const own = newNames("own").organization
      const made = yield* create(own)
      expect(made.status).toBe(200)
      expect(made.html).toContain(own)
      yield* browser.submit(made, "/auth/device", { decision: "approve", organization: own })
      const progress = yield* devices.poll(deviceCode)
      expect(progress.state).toBe("granted")
      const sessions = yield* Effect.flatMap(Sessions, (sessions) => sessions.organizationsOf(grant.user.id))
      expect(sessions).toMatchObject([{ name: own, role: "owner" }])
    })
  )

  it.scoped("other methods are refused", () =>
    Effect.gen(function* () {
      const url = yield* served
      const put = yield* Effect.promise(() => fetch(`${url}/auth/verify`, { method: "PUT" }))
      expect(put.status).toBe(405)
      const head = yield* Effect.promise(() => fetch(`${url}/auth/sign-in`, { method: "HEAD" }))
      expect(head.status).toBe(200)
    })
  )
})

describe("the cookie of the pages", () => {
  itAlone("is read as it was written, is Secure over TLS, and ties forms to itself", () => {
    const cookie = newCookie()
    const written = writeCookie(cookie, true)
    expect(written).toMatch(/^__Host-.*; Path=\/; Secure;/)
    expect(writeCookie(cookie, false)).not.toMatch(/Secure/)
    const read = readCookie(`a=b; ${written.split(";", 1)[0]}; c=d`, true)
    assert(read !== undefined)
    expect(read !== undefined && isFormToken(read, formToken(cookie))).toBe(true)
    expect(isFormToken(cookie, formToken(newCookie()))).toBe(false)
    expect(isFormToken(cookie, "")).toBe(false)
  })

  itAlone("is never parsed from anything else", () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        expect(readCookie(header, false)).toBeUndefined()
        expect(readCookie(`maxcloud_sign_in=${header.slice(0, 20)}`, false)).toBeUndefined()
      })
    )
  })
})

describe("the language of a page", () => {
  itAlone("is the browser's preferred one", () => {
    for (const accepted of ["de", "de-AT", "de,en;q=0.9", "fr, de;q=0.8, en;q=0.2", "en;q=0.1, de-DE"]) {
      expect(languageOf(accepted)).toBe("de")
    }
    for (const accepted of [undefined, "", "en", "en-US,en;q=0.9,de;q=0.8", "fr", "*", "de;q=0", ";;,,q=", "den"]) {
      expect(languageOf(accepted)).toBe("en")
    }
  })
})
