import { describe, expect, it } from "@effect/vitest"
import { credentialExpiry } from "./credentialExpiry.ts"

const tls = { ca: undefined, cert: undefined, key: undefined, servername: undefined, rejectUnauthorized: undefined }
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
const bearer = (claims: unknown) => ({ authorization: `Bearer ${part({ alg: "RS256" })}.${part(claims)}.c2ln` })

/** Self-signed, valid until the first of January 2030. */
const cert = `-----BEGIN CERTIFICATE-----
MIHJMH2gAwIBAgIBATAFBgMrZXAwDzENMAsGA1UEAwwEdGVzdDAeFw0yNjAxMDEw
MDAwMDBaFw0zMDAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBHRlc3QwKjAFBgMrZXAD
IQBS5PyZw9W4kq0hrjQW4j9HNGHpdd3hn5alBNs7cLbzgzAFBgMrZXADQQDTd8JM
H2N0BvAcPDf6fb/9sl/unl0TW8HNPCWqw38l4xRCLEbiqM6MYePn7cL5+Xjf80To
j17felE0d5tDhfIF
-----END CERTIFICATE-----`

describe("the expiry of the cluster's credentials", () => {
  it("is the token's, as a service account's says", () => {
    expect(credentialExpiry({ changing: false, tls, headers: bearer({ exp: 1_900_000_000 }) })).toBe(1_900_000_000)
  })

  it("is unknown for tokens and passwords that don't say", () => {
    for (const headers of [
      {},
      { authorization: "Bearer opaque" },
      { authorization: "Basic YTpi" },
      bearer({ exp: "soon" })
    ]) {
      expect(credentialExpiry({ changing: false, tls, headers })).toBeUndefined()
    }
  })

  it("is the certificate's, or whichever is first", () => {
    const end = Date.parse("2030-01-01T00:00:00Z") / 1000
    expect(credentialExpiry({ changing: false, tls: { ...tls, cert }, headers: {} })).toBe(end)
    expect(credentialExpiry({ changing: false, tls: { ...tls, cert }, headers: bearer({ exp: end - 60 }) })).toBe(
      end - 60
    )
    expect(credentialExpiry({ changing: false, tls: { ...tls, cert }, headers: bearer({ exp: end + 60 }) })).toBe(end)
  })

  it("is of no interest for credentials that are renewed, such as a pod's token", () => {
    const headers = bearer({ exp: 1_900_000_000 })
    expect(credentialExpiry({ changing: true, tls: { ...tls, cert }, headers })).toBeUndefined()
  })
})
