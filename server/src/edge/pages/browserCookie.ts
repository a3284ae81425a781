import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { Redacted } from "effect"
import { browserSeconds } from "../../tenancy/identity/signInByCode.ts"

const cookieName = "maxcloud_sign_in"
/** With TLS, a browser accepts it only from this host, never from a service on a subdomain or sibling (RFC 6265bis, 4.1.3.2). */
const secureCookieName = `__Host-${cookieName}`

/**
 * The state of a browser on the pages: `new` (only recognized), `challenge` (we mailed it a code), `signedIn`. Contains a random
 * token; the database knows its owner.
 */
export interface BrowserCookie {
  readonly state: "new" | "challenge" | "signedIn"
  readonly token: Redacted.Redacted
}

const letters = { new: "n", challenge: "c", signedIn: "s" } as const
const states = { n: "new", c: "challenge", s: "signedIn" } as const
const shape = /^([ncs])\.([-\w]{43,128})$/

const valueOf = ({ state, token }: BrowserCookie) => `${letters[state]}.${Redacted.value(token)}`

export const newCookie = (): BrowserCookie => ({
  state: "new",
  token: Redacted.make(randomBytes(32).toString("base64url"))
})

/** Our cookie in the header `Cookie`; undefined if there is none. */
export const readCookie = (header: string | undefined, secure: boolean): BrowserCookie | undefined => {
  for (const pair of (header ?? "").split(";")) {
    const [name, value = ""] = pair.trim().split("=", 2)
    const [, letter, token = ""] = name === (secure ? secureCookieName : cookieName) ? (shape.exec(value) ?? []) : []
    if (letter === "n" || letter === "c" || letter === "s")
      return { state: states[letter], token: Redacted.make(token) }
  }
  return undefined
}

/** `Set-Cookie`. Forms and links of other sites never send it. */
export const writeCookie = (cookie: BrowserCookie, secure: boolean) =>
  `${secure ? secureCookieName : cookieName}=${valueOf(cookie)}; Max-Age=${browserSeconds}; Path=${secure ? "/; Secure" : "/auth"}; HttpOnly; SameSite=Strict`

/** The token of each form on the page, so that nobody can submit a form that the page didn't show to this browser. */
export const formToken = (cookie: BrowserCookie): string =>
  createHmac("sha256", valueOf(cookie)).update("form of a max-cloud page").digest("base64url")

export const isFormToken = (cookie: BrowserCookie, given: string): boolean => {
  const [expected, actual] = [Buffer.from(formToken(cookie)), Buffer.from(given)]
  return expected.byteLength === actual.byteLength && timingSafeEqual(expected, actual)
}
