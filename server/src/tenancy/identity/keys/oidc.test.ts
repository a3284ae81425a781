import { createHmac } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, layer as describeOn, expect, vi } from "@effect/vitest"
import { type CreateOidcTrust, KeyScope } from "@maxcloud/sdk/api"
import { Context, Effect, Layer, Redacted } from "effect"
import { exportSPKI, importJWK } from "jose"
import { layerTest } from "../../../../test/database/layerTest.ts"
import { makeTestAudit, newMember, newOrganization } from "../../../../test/identity/testPeople.ts"
import { makeTestIssuer, type SignOptions, type TestIssuer } from "../../../../test/oidc/testIssuer.ts"
import { listTrusts } from "../../../../test/wholeLists.ts"
import { asNobody, asOrganization } from "../../../base/database/RowScope.ts"
import { Authenticator } from "./Authenticator.ts"
import { OidcTrusts } from "./OidcTrusts.ts"
import * as authenticator from "./PostgresAuthenticator.ts"
import * as trusts from "./PostgresOidcTrusts.ts"

class Issuer extends Context.Tag("test/Issuer")<Issuer, TestIssuer>() {}

const audit = makeTestAudit()
const layersOf = (allowPrivateIssuers: boolean) => {
  const options = { allowPrivateIssuers, timeoutMs: 1_500 }
  return Layer.merge(trusts.layer(options), authenticator.layer(options)).pipe(Layer.provide(audit.layer))
}
const live = layersOf(true).pipe(Layer.provideMerge(layerTest), Layer.merge(Layer.scoped(Issuer, makeTestIssuer)))

const scope = KeyScope.make("deploy:shop/production")
const sub = "repo:acme/shop:ref:refs/heads/main"
/** A claim of every token here, and required by the trusts whose subject contains a wildcard. */
const project_id = "7"

/** An organization that trusts an issuer (one of its own by default), and ways to send requests with its tokens. */
const setUp = (options: { readonly issuer?: TestIssuer; readonly trust?: Partial<CreateOidcTrust> } = {}) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const issuer = options.issuer ?? (yield* Issuer)
    const organization = yield* newOrganization(sql)
    const admin = yield* newMember(sql, organization, "admin")
    const oidc = yield* OidcTrusts
    const input: CreateOidcTrust = {
      name: "ci",
      issuer: issuer.issuer,
      claims: { sub: "repo:acme/shop:*", project_id },
      role: "deployer",
      scopes: [scope],
      ...options.trust
    }
    const trust = yield* oidc.create(admin, input)
    const { authenticate } = yield* Authenticator
    const aud = `maxcloud/${organization.name}`
    const call = (token: string) => authenticate(Redacted.make(token))
    const send = (claims: Readonly<Record<string, unknown>> = {}, signing?: SignOptions) =>
      Effect.flatMap(issuer.sign({ aud, sub, project_id, ...claims }, signing), call)
    const refused = (claims: Readonly<Record<string, unknown>>, signing?: SignOptions) =>
      Effect.map(Effect.flip(send(claims, signing)), (error) => {
        expect(error._tag).toBe("Unauthenticated")
        return error.message
      })
    return { admin, aud, call, input, issuer, oidc, organization, refused, send, sql, trust }
  })

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
const now = () => Math.floor(Date.now() / 1000)

/** Runs as if that much time had passed, by both clocks, so that cached values age without waiting. */
const later = <A, E, R>(seconds: number, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const ahead = Date.now() + seconds * 1000
      const measured = performance.now.bind(performance)
      vi.spyOn(Date, "now").mockImplementation(() => ahead)
      vi.spyOn(performance, "now").mockImplementation(() => measured() + seconds * 1000)
    }),
    () => effect,
    () => Effect.sync(() => vi.restoreAllMocks())
  )

describeOn(live, { excludeTestServices: true, timeout: "60 seconds" })("tokens of issuers and their keys", (it) => {
  it.effect("tokens act for the organization that trusts them, with the trust's role and scopes", () =>
    Effect.gen(function* () {
      const { issuer, admin, organization, send, trust } = yield* setUp()
      expect(trust.audience).toBe(`maxcloud/${organization.name}`)
      expect(audit.told.at(-1)).toMatchObject({ action: "auth.createOidcTrust", subject: "OIDC trust ci" })
      for (const algorithm of ["RS256", "ES256"] as const) {
        expect(yield* send({}, { algorithm })).toStrictEqual({
          organization,
          roles: ["deployer", "admin"],
          scopes: [scope],
          credential: { type: "oidc", id: trust.id, issuer: issuer.issuer, subject: sub },
          person: undefined
        })
      }
      const used = Effect.map(listTrusts(admin), ([_]) => _?.lastUsedAt ?? undefined)
      assert(typeof (yield* Effect.repeat(used, { until: (value) => value !== undefined })) === "string")
    })
  )

  it.effect("are refused if their trust was stored without an owner's claim, and the list says how to fix it", () =>
    Effect.gen(function* () {
      const { admin, organization, refused, send, sql, trust } = yield* setUp()
      yield* send()
      yield* sql`
        update oidc_trusts set claims = '{"sub":"repo:acme/shop:*"}'::jsonb
        where organization_id = ${organization.id} and id = ${trust.id}`
      const message = yield* refused({})
      expect(message).toMatch(
        /the trust "ci" of ".+" doesn't count: the subject "repo:acme\/shop:\*" contains a wildcard/
      )
      expect(message).toContain("an admin must delete and re-create it")
      const [listed] = yield* listTrusts(admin)
      expect(listed).toMatchObject({ effectiveRole: null })
      expect(listed?.limitedBecause ?? "").toContain("add a claim without a wildcard")
    })
  )

  it.effect("work in requests that see their own organization's rows, or none", () =>
    Effect.gen(function* () {
      const { admin, aud, input, issuer, oidc, organization } = yield* setUp()
      const inRequest = asOrganization(organization.id)
      const trust = yield* inRequest(oidc.create(admin, { ...input, name: "second" }))
      const token = Redacted.make(yield* issuer.sign({ aud, sub, project_id }))
      const { authenticate } = yield* Authenticator
      expect((yield* asNobody(authenticate(token))).organization.id).toBe(organization.id)
      expect(yield* inRequest(listTrusts(admin))).toHaveLength(2)
      yield* inRequest(oidc.remove(admin, trust.id))
    })
  )

  it.effect("are refused outside their validity, with a minute's tolerance for clocks", () =>
    Effect.gen(function* () {
      const { refused, send } = yield* setUp()
      yield* send({ exp: now() - 40 })
      expect(yield* refused({ exp: now() - 80 })).toContain("has expired")
      yield* send({ nbf: now() + 40 })
      expect(yield* refused({ nbf: now() + 80 })).toContain("isn't valid yet")
      yield* send({ iat: now() + 40 })
      expect(yield* refused({ iat: now() + 80 })).toContain("in the future")
      yield* send({ iat: now() - 3630, exp: now() + 86_400 })
      expect(yield* refused({ iat: now() - 3680, exp: now() + 86_400 })).toContain("more than an hour ago")
      for (const claim of ["exp", "iat", "sub"]) {
        expect(yield* refused({ [claim]: undefined })).toContain(`it has no ${claim} claim`)
      }
      for (const strange of ["", "a\u0000b", "a\u202Eb", "a\u2028b", "x".repeat(256)])
        expect(yield* refused({ sub: strange })).toContain("sub")
      expect(yield* refused({ sub: 7 })).toContain("sub")
      expect(yield* refused({ exp: "tomorrow" })).toContain("exp")
    })
  )

  it.effect("are refused if they're of another kind, or issued to another party that the trust doesn't name", () =>
    Effect.gen(function* () {
      const { aud, refused, send } = yield* setUp()
      for (const typ of ["JWT", "jwt", "application/jwt"]) yield* send({}, { typ })
      for (const typ of ["at+jwt", "application/at+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "JWE"]) {
        expect(yield* refused({}, { typ })).toContain("another kind of token (typ in its header)")
      }
      yield* send({ typ: "ID" })
      yield* send({ token_use: "id" })
      for (const typ of ["Bearer", "Refresh", "Logout", "", null, 7, ["ID"]]) {
        expect(yield* refused({ typ })).toContain("its claim typ")
      }
      for (const use of ["access", "", null])
        expect(yield* refused({ token_use: use })).toContain("its claim token_use")
      expect(yield* refused({ events: { "http://schemas.openid.net/event/backchannel-logout": {} } })).toContain(
        "its claim events"
      )

      yield* send({ azp: aud })
      for (const azp of ["somebody-else", "", `${aud}x`, null, 7, [aud]]) {
        expect(yield* refused({ azp })).toContain("issued to another party")
      }
      const named = yield* setUp({ trust: { claims: { sub: "repo:acme/shop:*", project_id, azp: "our-client" } } })
      yield* named.send({ azp: "our-client" })
      expect(yield* named.refused({ azp: "somebody-else" })).toContain('requires azp to be "our-client"')
    })
  )

  it.effect("are refused for any other audience than one organization", () =>
    Effect.gen(function* () {
      const { aud, refused, send } = yield* setUp()
      const other = yield* setUp()
      yield* send({ aud: [aud, "sts.amazonaws.com"] })
      for (const wrong of [undefined, "sts.amazonaws.com", [], "https://maxcloud/x", 7, { a: aud }]) {
        expect(yield* refused({ aud: wrong })).toMatch(/audience|iss and aud/)
      }
      for (const wrong of [[aud, other.aud], [aud, aud], "maxcloud/", "maxcloud/UPPER case", "maxcloud/../x"]) {
        expect(yield* refused({ aud: wrong })).toContain("exactly one audience")
      }
      // Of another organization, which trusts another sub.
      const strict = yield* setUp({ trust: { claims: { sub: "repo:other/*", project_id } } })
      expect(yield* refused({ aud: strict.aud })).toContain('the trust "ci" requires sub to be "repo:other/*"')
      expect(yield* refused({ aud: "maxcloud/nobody-has-this" })).toContain("has no trust for the issuer")
    })
  )

  it.effect("are refused if the organization doesn't trust their issuer, which is never asked", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { aud, call, refused } = yield* setUp()
        const stranger = yield* makeTestIssuer
        const token = yield* stranger.sign({ aud, sub })
        expect((yield* Effect.flip(call(token))).message).toContain("has no trust for the issuer")
        expect(stranger.asked).toStrictEqual([])
        // Signed by the stranger in the name of the trusted one.
        expect(yield* refused({}, { keys: stranger.keys() })).toMatch(/publishes no key|isn't by the issuer's key/)
        for (const iss of [`${(yield* Issuer).issuer}/`, "\u0000", "", 7]) yield* refused({ iss })
      })
    )
  )

  it.effect("are refused without a signature by the issuer's key", () =>
    Effect.gen(function* () {
      const { aud, call, issuer, refused, send } = yield* setUp()
      yield* send()
      const claims = encoded({ iss: issuer.issuer, aud, sub, iat: now(), exp: now() + 300 })
      const [rsa, ec] = issuer.keys()
      if (rsa === undefined || ec === undefined) return expect.unreachable("the issuer has no keys")
      const fails = (token: string, why: RegExp) =>
        Effect.map(Effect.flip(call(token)), (error) => {
          expect(error._tag).toBe("Unauthenticated")
          expect(error.message).toMatch(why)
        })
      for (const alg of ["none", "None", "HS256", "RS512", "ES384", ""]) {
        yield* fails(`${encoded({ alg, kid: rsa.kid })}.${claims}.`, /isn't signed with one of|malformed/)
      }
      // The public key, which everybody has, used as a shared secret.
      const publicKey = yield* Effect.promise(async () => importJWK(rsa.jwk, "RS256", { extractable: true }))
      const pem = yield* Effect.promise(async () => (publicKey instanceof Uint8Array ? "" : exportSPKI(publicKey)))
      const signed = `${encoded({ alg: "HS256", kid: rsa.kid })}.${claims}`
      const hmac = createHmac("sha256", pem).update(signed).digest("base64url")
      yield* fails(`${signed}.${hmac}`, /isn't signed with one of/)

      const [header, , signature] = (yield* issuer.sign({ aud, sub, project_id })).split(".")
      yield* fails(`${header}.${claims.slice(0, -4)}.${signature}`, /./)
      yield* fails(
        `${header}.${encoded({ iss: issuer.issuer, aud, sub: "x", iat: now(), exp: now() + 300 })}.${signature}`,
        /isn't by the issuer's key/
      )
      yield* fails(`${header}.${claims}.`, /isn't by the issuer's key/)
      // A key of one kind for the algorithm of another.
      expect(yield* refused({}, { kid: ec.kid })).toMatch(/no key with the kid/)
    })
  )

  it.effect("must have the claims of a trust, and the first matching trust counts", () =>
    Effect.gen(function* () {
      const claims = { sub: "repo:acme/shop:*", project_id, environment: "production" }
      const { admin, input, oidc, organization, refused, send, sql } = yield* setUp({ trust: { claims } })
      const second = yield* oidc.create(admin, {
        ...input,
        name: "reads",
        claims: { sub: "repo:acme/*", project_id },
        role: "viewer",
        scopes: []
      })
      expect((yield* send({ environment: "production" })).roles).toStrictEqual(["deployer", "admin"])
      const viewer = yield* send({ environment: "staging" })
      expect([viewer.roles, viewer.scopes, viewer.credential.type]).toStrictEqual([
        ["viewer", "admin"],
        undefined,
        "oidc"
      ])
      const message = yield* refused({ sub: "repo:evil/shop:x", environment: "production" })
      expect(message).toContain('the trust "ci" requires sub to be "repo:acme/shop:*"')
      expect(message).toContain('the trust "reads" requires sub to be "repo:acme/*"')
      expect(message).not.toContain("evil")
      yield* oidc.remove(admin, second.id)
      expect(yield* refused({ environment: "staging" })).toContain('environment to be "production"')
      expect((yield* Effect.flip(oidc.remove(admin, second.id)))._tag).toBe("NotFound")
      const foreigner = yield* newMember(sql, yield* newOrganization(sql), "owner")
      expect(yield* listTrusts(foreigner)).toStrictEqual([])
      const [left] = yield* listTrusts(admin)
      expect(left).toMatchObject({ name: "ci", claims, audience: `maxcloud/${organization.name}` })
      if (left !== undefined) {
        expect((yield* Effect.flip(oidc.remove(foreigner, left.id)))._tag).toBe("NotFound")
      }
    })
  )

  /** An issuer of this test's own. */
  const withIssuer = <A, E, R>(use: (own: Effect.Effect.Success<ReturnType<typeof setUp>>) => Effect.Effect<A, E, R>) =>
    Effect.scoped(
      Effect.flatMap(
        Effect.flatMap(makeTestIssuer, (issuer) => setUp({ issuer })),
        use
      )
    )

  it.effect("are cached, and new ones are found once the cooldown is over", () =>
    withIssuer(({ issuer, refused, send }) =>
      Effect.gen(function* () {
        const atCreation = issuer.asked.length
        yield* Effect.all([send(), send(), send()], { concurrency: 3 })
        yield* send()
        expect(issuer.asked).toHaveLength(atCreation + 2)
        yield* issuer.rotate
        expect(yield* refused({})).toContain("publishes no key")
        expect(yield* refused({ sub: "x" })).toContain("publishes no key")
        expect(issuer.asked).toHaveLength(atCreation + 2)
        yield* later(31, send())
        yield* send()
        expect(issuer.asked).toHaveLength(atCreation + 4)
      })
    )
  )

  it.effect("stay valid after their withdrawal until the cache is too old, and no longer", () =>
    withIssuer(({ issuer, refused, send }) =>
      Effect.gen(function* () {
        yield* send()
        const keys = issuer.keys()
        yield* issuer.rotate
        yield* send({}, { keys })
        yield* later(599, send({ iat: now() }, { keys }))
        expect(yield* later(601, refused({}, { keys }))).toContain("publishes no key")
      })
    )
  )

  it.effect("stay valid while the issuer is unreachable; then the error says since when", () =>
    withIssuer(({ issuer, send }) =>
      Effect.gen(function* () {
        yield* send()
        const before = new Date().toISOString()
        yield* issuer.takeDown
        yield* send()
        const fails = Effect.map(Effect.flip(send()), (error) => {
          expect(error._tag).toBe("Unavailable")
          expect(error.message).toContain(issuer.issuer)
          return /since (\S+):/.exec(error.message)?.[1] ?? ""
        })
        const first = yield* later(601, fails)
        expect(first.localeCompare(before)).toBeGreaterThan(0)
        const asked = issuer.asked.length
        expect(yield* later(603, fails)).toBe(first)
        expect(issuer.asked).toHaveLength(asked)
        expect(yield* later(700, fails)).toBe(first)
        expect(issuer.asked.length).toBeGreaterThan(asked)
        yield* issuer.bringUp
        yield* later(720, send())
      })
    )
  )

  it.effect("of an issuer that was never reached are unavailable, not refused", () =>
    withIssuer(({ issuer, send }) =>
      Effect.gen(function* () {
        yield* issuer.takeDown
        expect((yield* Effect.flip(send()))._tag).toBe("Unavailable")
      })
    )
  )

  it.effect("are only accepted within bounds, from the issuer itself, without redirects", () =>
    withIssuer(({ admin, input, issuer, oidc }) =>
      Effect.gen(function* () {
        const { answers, discoveryPath, keysPath } = issuer
        const json = (value: unknown) => ({ end: JSON.stringify(value) })
        const elsewhere = yield* makeTestIssuer
        const cases: ReadonlyArray<readonly [string, { end: string; status?: number; location?: string }, RegExp]> = [
          [keysPath, { end: JSON.stringify({ keys: [], filler: "x".repeat(1_048_576) }) }, /larger than 1048576 bytes/],
          [keysPath, { end: "", status: 302, location: `${elsewhere.issuer}/keys` }, /redirects/],
          [discoveryPath, { end: "", status: 301, location: `${elsewhere.issuer}${discoveryPath}` }, /redirects/],
          [keysPath, { end: "not JSON" }, /a JSON Web Key Set/],
          [keysPath, json({ keys: "none" }), /a JSON Web Key Set/],
          [keysPath, { end: "", status: 500 }, /returned 500/],
          [discoveryPath, json({ issuer: elsewhere.issuer, jwks_uri: `${issuer.issuer}/keys` }), /names the issuer/],
          [
            discoveryPath,
            json({ issuer: `${issuer.issuer}/`, jwks_uri: `${issuer.issuer}/keys` }),
            /must match exactly/
          ],
          [discoveryPath, json({ issuer: issuer.issuer }), /a discovery document/],
          [discoveryPath, json({ issuer: issuer.issuer, jwks_uri: "http://192.0.2.1/keys" }), /isn't an https URL/],
          [discoveryPath, json({ issuer: issuer.issuer, jwks_uri: "file:///etc/passwd" }), /isn't an https URL/],
          [
            discoveryPath,
            json({ issuer: issuer.issuer, jwks_uri: "https://169.254.169.254/keys" }),
            /isn't on the public internet/
          ]
        ]
        for (const [path, { end, location, status = 200 }, why] of cases) {
          answers.set(path, (response) => {
            response.writeHead(status, location === undefined ? {} : { location }).end(end)
          })
          const error = yield* Effect.flip(oidc.create(admin, { ...input, name: `${why}` }))
          expect(error._tag).toBe("InvalidRequest")
          expect(error.message).toMatch(why)
          answers.clear()
        }
        expect(elsewhere.asked).toStrictEqual([])
        // Endless headers: the fetch is aborted.
        answers.set(keysPath, (response) => void response.writeHead(200).write("{"))
        expect((yield* Effect.flip(oidc.create(admin, { ...input, name: "slow" }))).message).toMatch(/timed out/)
        answers.clear()
        expect(yield* listTrusts(admin)).toHaveLength(1)
      })
    )
  )

  it.effect('get "unavailable" if their issuer has become unusable', () =>
    withIssuer(({ issuer, send }) =>
      Effect.gen(function* () {
        issuer.answers.set(issuer.keysPath, (response) => void response.writeHead(302, { location: "/x" }).end())
        const error = yield* Effect.flip(send())
        expect(error._tag).toBe("Unavailable")
        expect(error.message).toMatch(/redirects/)
      })
    )
  )

  it.effect("aren't fetched from private addresses, unless the operator allows it", () =>
    withIssuer(({ admin, input, issuer, oidc, send, sql }) =>
      Effect.gen(function* () {
        const refused = (strict: typeof OidcTrusts.Service, url: string) =>
          Effect.flip(strict.create(admin, { ...input, name: "private", issuer: url }))
        const strict = yield* Layer.build(layersOf(false))
        const asked = issuer.asked.length
        for (const url of [
          issuer.issuer,
          `https://localhost:${issuer.port}`,
          `https://127.0.0.1:${issuer.port}`,
          "https://10.0.0.1",
          "https://169.254.169.254/latest",
          "https://[::1]",
          "https://[::ffff:127.0.0.1]",
          "https://0x7f000001"
        ]) {
          const error = yield* refused(Context.get(strict, OidcTrusts), url)
          expect(error._tag).toBe("InvalidRequest")
          expect(error.message, url).toMatch(/isn't on the public internet|isn't an https URL/)
        }
        for (const url of [
          "https://169.254.169.254/latest",
          "https://[fd00:ec2::254]",
          "http://192.0.2.1",
          "ftp://127.0.0.1"
        ]) {
          expect((yield* refused(oidc, url)).message, url).toMatch(/isn't on the public internet|isn't an https URL/)
        }
        for (const url of [
          "https://a@127.0.0.1",
          "https://127.0.0.1/?a",
          "https://127.0.0.1/#a",
          "https://127.0.0.1/\u0000"
        ]) {
          expect((yield* refused(oidc, url)).message, url).toMatch(/without a query or fragment/)
        }
        // A trust from before the setting changed.
        yield* send()
        const later = Context.get(strict, Authenticator).authenticate
        const token = yield* issuer.sign({ aud: `maxcloud/${admin.organization.name}`, sub })
        const before = issuer.asked.length
        const error = yield* Effect.flip(later(Redacted.make(token)))
        expect(error._tag).toBe("Unauthenticated")
        expect(error.message).toMatch(/Couldn't use the token's issuer/)
        expect(issuer.asked).toHaveLength(before)
        expect(before).toBeGreaterThan(asked)
        expect(yield* sql`select 1 from oidc_trusts where name = 'private'`).toHaveLength(0)
      })
    )
  )

  it.effect(
    "can be trusted by members who may grant the role, with claims that identify the owner, once for each name",
    () =>
      withIssuer(({ admin, input, oidc }) =>
        Effect.gen(function* () {
          const fails = (caller: typeof admin | { scopes: ReadonlyArray<KeyScope> }, rest: Partial<CreateOidcTrust>) =>
            Effect.map(Effect.flip(oidc.create({ ...admin, ...caller }, { ...input, ...rest })), (found) => [
              found._tag,
              found.message
            ])
          expect((yield* fails(admin, {}))[0]).toBe("Conflict")
          expect((yield* fails(admin, { name: "x", role: "owner" }))[0]).toBe("Forbidden")
          expect((yield* fails({ scopes: [scope] }, { name: "x" }))[0]).toBe("Forbidden")
          expect(`${yield* fails(admin, { name: "x", claims: { sub: "*" } })}`).toMatch(/has no effect/)
          expect(`${yield* fails(admin, { name: "x", claims: { aud: "maxcloud/x" } })}`).toMatch(
            /identifies the token's owner/
          )
          expect(`${yield* fails(admin, { name: "x", claims: { sub: "repo:acme/*" } })}`).toMatch(
            /contains a wildcard.*add a claim/
          )
        })
      )
  )
})
