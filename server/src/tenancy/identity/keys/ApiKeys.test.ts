import { SqlClient } from "@effect/sql/SqlClient"
import { layer as describeOn, expect } from "@effect/vitest"
import { type CreateApiKey, KeyScope, OidcTrustId, type Role } from "@maxcloud/sdk/api"
import { Effect, Layer, Redacted } from "effect"
import fc from "fast-check"
import { layerTest } from "../../../../test/database/layerTest.ts"
import { makeTestAudit, newMember, newOrganization, newSession } from "../../../../test/identity/testPeople.ts"
import { listKeys } from "../../../../test/wholeLists.ts"
import { newId } from "../../../base/database/newId.ts"
import { asNobody, asOrganization } from "../../../base/database/RowScope.ts"
import type { Caller } from "../../access/Caller.ts"
import { digestOf, newToken } from "../tokens.ts"
import { ApiKeys } from "./ApiKeys.ts"
import { Authenticator } from "./Authenticator.ts"
import { newPrefix } from "./keyRows.ts"
import { layerWith } from "./PostgresApiKeys.ts"
import * as authenticator from "./PostgresAuthenticator.ts"

const audit = makeTestAudit()
const nextPrefixes: Array<string> = []
const live = Layer.merge(
  layerWith(() => nextPrefixes.shift() ?? newPrefix()),
  authenticator.layer({ allowPrivateIssuers: false })
).pipe(Layer.provide(audit.layer), Layer.provideMerge(layerTest))

const key = (rest: Partial<CreateApiKey> = {}): CreateApiKey => ({ name: "CI Key", scopes: [], ...rest })
const scope = KeyScope.make("deploy:shop/production")

const setUp = (role: Role = "admin") =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const organization = yield* newOrganization(sql)
    const maker = yield* newMember(sql, organization, role)
    return { sql, organization, maker, keys: yield* ApiKeys, authenticate: (yield* Authenticator).authenticate }
  })

const changed = (token: Redacted.Redacted, change: (written: string) => string) =>
  Redacted.make(change(Redacted.value(token)))

describeOn(live, { excludeTestServices: true })("API keys and sessions", (it) => {
  it.effect("are shown once, stored as a digest, and act as their creator", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker, organization, sql } = yield* setUp()
      const { apiKey, secret } = yield* keys.create(maker, key({ scopes: [scope], role: "deployer" }))
      expect(Redacted.value(secret)).toMatch(/^mck_[a-z2-7]{12}_[-\w]{43}$/)
      expect(Redacted.value(secret).startsWith(`${apiKey.prefix}_`)).toBe(true)
      const rows = yield* sql`select * from api_keys where id = ${apiKey.id}`
      expect(JSON.stringify(rows)).not.toContain(Redacted.value(secret).slice(-43))
      expect(rows[0]?.token_hash).toStrictEqual(digestOf(secret))

      expect(yield* authenticate(secret)).toStrictEqual({
        organization,
        roles: ["deployer", "admin"],
        scopes: [scope],
        credential: { type: "key", id: apiKey.id },
        person: maker.person
      })
      expect(audit.told.at(-1)).toMatchObject({ action: "auth.createApiKey", status: 201 })
      expect(audit.told.at(-1)?.after ?? "").toMatch(/^[0-9a-f]{64}$/)
    })
  )

  it.effect("are refused alike, whether they're unknown or the secret is wrong", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker } = yield* setUp()
      const { secret } = yield* keys.create(maker, key())
      const wrong = changed(
        secret,
        (one) => `${one.slice(0, -43)}${newToken("key", "abcdefgh").token.pipe(Redacted.value).slice(-43)}`
      )
      const unknown = newToken("key", newPrefix()).token
      const refused = yield* Effect.flip(authenticate(wrong))
      expect(refused._tag).toBe("Unauthenticated")
      expect(refused).toStrictEqual(yield* Effect.flip(authenticate(unknown)))
    })
  )

  it.effect("are refused with instructions if they expired, were deleted, or their creator left", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker, sql } = yield* setUp()
      const [expired, deleted, orphaned] = [
        yield* keys.create(maker, key({ expiresInSeconds: 60 })),
        yield* keys.create(maker, key()),
        yield* keys.create(maker, key())
      ]
      yield* authenticate(expired.secret)
      yield* sql`update api_keys set expires_at = now() where id = ${expired.apiKey.id}`
      expect((yield* Effect.flip(authenticate(expired.secret))).detail).toMatch(/expired\. Create another/)
      yield* keys.remove(maker, deleted.apiKey.id)
      expect((yield* Effect.flip(authenticate(deleted.secret))).detail).toMatch(/unknown or was deleted/)
      expect((yield* Effect.flip(keys.remove(maker, deleted.apiKey.id)))._tag).toBe("NotFound")

      yield* sql`update memberships set role = 'viewer' where user_id = ${maker.person.id}`
      expect((yield* authenticate(orphaned.secret)).roles).toStrictEqual(["admin", "viewer"])
      yield* sql`delete from memberships where user_id = ${maker.person.id}`
      const gone = yield* Effect.flip(authenticate(orphaned.secret))
      expect(gone._tag).toBe("Unauthenticated")
      expect(gone.detail).toMatch(/no longer a member of/)
      yield* sql`delete from users where id = ${maker.person.id}`
      expect((yield* Effect.flip(authenticate(orphaned.secret))).detail).toMatch(/is unknown/)
    })
  )

  it.effect("never have more rights than their creator", () =>
    Effect.gen(function* () {
      const { keys, maker, organization, sql } = yield* setUp("deployer")
      expect((yield* keys.create(maker, key())).apiKey.role).toBe("deployer")
      for (const role of ["owner", "admin", "billing"] as const) {
        expect((yield* Effect.flip(keys.create(maker, key({ role }))))._tag, role).toBe("Forbidden")
      }
      const narrowed: Caller = { ...maker, scopes: [scope] }
      expect((yield* Effect.flip(keys.create(narrowed, key()))).message).toMatch(/narrowed/)
      // A key of an admin who has become a viewer since.
      const demoted: Caller = { ...maker, roles: ["admin", "viewer"] }
      expect((yield* Effect.flip(keys.create(demoted, key({ role: "admin" }))))._tag).toBe("Forbidden")
      expect((yield* keys.create(demoted, key())).apiKey.role).toBe("viewer")
      const byToken: Caller = {
        organization,
        roles: ["owner"],
        scopes: undefined,
        person: undefined,
        credential: { type: "oidc", id: OidcTrustId.make(newId("oidc")), issuer: "i", subject: "s" }
      }
      expect((yield* Effect.flip(keys.create(byToken, key())))._tag).toBe("Forbidden")
      expect(yield* sql`select 1 from api_keys where created_by = ${maker.person.id} and role = 'owner'`).toHaveLength(
        0
      )
    })
  )

  it.effect("are visible to and deletable by their creator and admins", () =>
    Effect.gen(function* () {
      const { keys, maker: admin, organization, sql } = yield* setUp("admin")
      const [one, other] = [
        yield* newMember(sql, organization, "deployer"),
        yield* newMember(sql, organization, "deployer")
      ]
      const foreigner = yield* newMember(sql, yield* newOrganization(sql), "owner")
      const { apiKey } = yield* keys.create(one, key())
      const own = yield* keys.create(admin, key({ name: "own" }))
      const names = (caller: Caller) => Effect.map(listKeys(caller), (all) => all.map((each) => each.id))
      expect(yield* names(one)).toStrictEqual([apiKey.id])
      expect(yield* names(other)).toStrictEqual([])
      expect(yield* names(foreigner)).toStrictEqual([])
      expect(yield* names(admin)).toStrictEqual([apiKey.id, own.apiKey.id])
      expect((yield* listKeys(one))[0]?.createdBy).toEqual({
        type: "person",
        id: one.person.id,
        name: one.person.email
      })
      for (const caller of [other, foreigner]) {
        expect((yield* Effect.flip(keys.remove(caller, apiKey.id)))._tag).toBe("NotFound")
        expect((yield* Effect.flip(keys.rotate(caller, apiKey.id, 0)))._tag).toBe("NotFound")
      }
      yield* keys.remove(admin, apiKey.id)
      expect(yield* names(one)).toStrictEqual([])
      expect(audit.told.at(-1)).toMatchObject({
        action: "auth.deleteApiKey",
        subject: `API key CI Key (${apiKey.prefix})`
      })
    })
  )

  it.effect("rotate with an overlap, once, and only by their creator", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker, organization, sql } = yield* setUp("owner")
      const admin = yield* newMember(sql, organization, "admin")
      const old = yield* keys.create(maker, key({ scopes: [scope], expiresInSeconds: 7200 }))
      // Rotating returns the new key, so an admin would become owner by it.
      const refused = yield* Effect.flip(keys.rotate(admin, old.apiKey.id, 60))
      expect(refused._tag).toBe("Forbidden")
      expect(refused.message).toContain(maker.person.email)
      const byLesserKey: Caller = { ...maker, roles: ["deployer", "owner"] }
      expect((yield* Effect.flip(keys.rotate(byLesserKey, old.apiKey.id, 60)))._tag).toBe("Forbidden")

      const next = yield* keys.rotate(maker, old.apiKey.id, 3600)
      const { createdAt, expiresAt, id, prefix, ...same } = next.apiKey
      expect(old.apiKey).toMatchObject(same)
      expect(Math.abs(Date.parse(expiresAt ?? "") - Date.now() - 7_200_000)).toBeLessThanOrEqual(60_000)
      const [first, second] = yield* listKeys(maker)
      expect(first).toMatchObject({ id: old.apiKey.id, replacedBy: id })
      expect(Math.abs(Date.parse(first?.expiresAt ?? "") - Date.now() - 3_600_000)).toBeLessThanOrEqual(60_000)
      expect(second?.id).toStrictEqual(id)
      expect((yield* authenticate(old.secret)).roles).toStrictEqual((yield* authenticate(next.secret)).roles)

      expect((yield* Effect.flip(keys.rotate(maker, old.apiKey.id, 60))).message).toMatch(new RegExp(`successor ${id}`))
      const last = yield* keys.rotate(maker, id, 0)
      expect((yield* Effect.flip(authenticate(next.secret))).detail).toMatch(/rotated, and its overlap is over/)
      yield* authenticate(last.secret)
      yield* sql`update api_keys set expires_at = now() - interval '1 second' where id = ${last.apiKey.id}`
      expect((yield* Effect.flip(keys.rotate(maker, last.apiKey.id, 60))).message).toMatch(/expired at/)
    })
  )

  it.effect("can't create keys that outlive them if they expire", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker } = yield* setUp()
      const lasting = yield* keys.create(maker, key())
      const ending = yield* keys.create(maker, key({ expiresInSeconds: 3600 }))
      const caller = yield* authenticate(ending.secret)
      expect((yield* Effect.flip(keys.create(caller, key()))).message).toMatch(/this key expires at/)
      expect((yield* Effect.flip(keys.create(caller, key({ expiresInSeconds: 7200 })))).message).toMatch(/expires at/)
      expect((yield* Effect.flip(keys.rotate(caller, lasting.apiKey.id, 60))).message).toMatch(/expires at/)
      expect((yield* keys.create(caller, key({ expiresInSeconds: 60 }))).apiKey.expiresAt).not.toBeNull()
    })
  )

  it.effect("end with the key that created them, each with an event and an entry in the audit log", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker, organization, sql } = yield* setUp()
      const other = yield* keys.create(maker, key({ name: "other" }))
      const stolen = yield* keys.create(maker, key({ name: "stolen" }))
      expect(stolen.apiKey.createdWith).toBeNull()
      const child = yield* keys.create(yield* authenticate(stolen.secret), key({ name: "child" }))
      expect(child.apiKey.createdWith).toBe(stolen.apiKey.id)
      const grandchild = yield* keys.create(yield* authenticate(child.secret), key({ name: "grandchild" }))

      yield* keys.remove(maker, stolen.apiKey.id)
      for (const { secret } of [stolen, child, grandchild]) {
        expect((yield* Effect.flip(authenticate(secret)))._tag).toBe("Unauthenticated")
      }
      expect((yield* listKeys(maker)).map(({ id }) => id)).toStrictEqual([other.apiKey.id])
      const told = audit.told.slice(-3)
      expect(told.map(({ action }) => action)).toStrictEqual(Array(3).fill("auth.deleteApiKey"))
      expect(told.map(({ subject }) => subject)).toStrictEqual([
        `API key stolen (${stolen.apiKey.prefix})`,
        `API key child (${child.apiKey.prefix}), created by API key stolen (${stolen.apiKey.prefix})`,
        `API key grandchild (${grandchild.apiKey.prefix}), created by API key child (${child.apiKey.prefix})`
      ])
      const events = yield* sql`
        select subject from events where organization_id = ${organization.id} and type like '%api-key.deleted' order by id`
      expect(events).toHaveLength(3)
    })
  )

  it.effect("that were rotated keep their place between their creator and the keys that they created", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker, sql } = yield* setUp()
      const parent = yield* keys.create(maker, key({ expiresInSeconds: 3_600 }))
      const asParent = yield* authenticate(parent.secret)
      const old = yield* keys.create(asParent, key({ expiresInSeconds: 3_000 }))
      const grandchild = yield* keys.create(yield* authenticate(old.secret), key({ expiresInSeconds: 60 }))
      const stranger = yield* keys.create(maker, key({ name: "stranger", expiresInSeconds: 600 }))
      expect((yield* Effect.flip(keys.rotate(asParent, stranger.apiKey.id, 60))).message).toMatch(
        /only itself and the keys/
      )

      const shortened = new Date(Date.now() + 2_400_000)
      yield* sql`update api_keys set expires_at = ${shortened} where id = ${parent.apiKey.id}`
      const successor = yield* keys.rotate(maker, old.apiKey.id, 60)
      expect(successor.apiKey).toMatchObject({ createdWith: parent.apiKey.id, expiresAt: shortened.toISOString() })
      yield* keys.remove(maker, old.apiKey.id)
      yield* authenticate(successor.secret)
      yield* authenticate(grandchild.secret)
      yield* keys.remove(maker, successor.apiKey.id)
      expect((yield* Effect.flip(authenticate(grandchild.secret)))._tag).toBe("Unauthenticated")
      yield* authenticate(parent.secret)
    })
  )

  it.effect("don't survive if they're created while their creator is deleted", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker } = yield* setUp()
      const stolen = yield* keys.create(maker, key())
      const thief = yield* authenticate(stolen.secret)
      const tried = Array.from({ length: 8 }, () => Effect.either(keys.create(thief, key())))
      yield* Effect.all([...tried.slice(4), keys.remove(maker, stolen.apiKey.id), ...tried.slice(4)], {
        concurrency: "unbounded"
      })
      expect(yield* listKeys(maker)).toHaveLength(0)
    })
  )

  it.effect("have one successor if they're rotated twice at once, and never expire later than before", () =>
    Effect.gen(function* () {
      const { keys, maker } = yield* setUp()
      const { apiKey } = yield* keys.create(maker, key({ expiresInSeconds: 60 }))
      const both = yield* Effect.all(
        [0, 1].map(() => Effect.either(keys.rotate(maker, apiKey.id, 86_400))),
        { concurrency: 2 }
      )
      expect(both.map((each) => each._tag).sort()).toStrictEqual(["Left", "Right"])
      const [old, ...rest] = yield* listKeys(maker)
      expect(rest).toHaveLength(1)
      expect(old?.expiresAt).toBe(apiKey.expiresAt)
    })
  )

  it.effect("have unique prefixes, even if chance produces the same twice", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker } = yield* setUp()
      const taken = newPrefix()
      nextPrefixes.push(taken, taken, taken)
      const one = yield* keys.create(maker, key())
      const other = yield* keys.create(maker, key())
      expect(one.apiKey.prefix).toBe(`mck_${taken}`)
      expect(other.apiKey.prefix).not.toBe(one.apiKey.prefix)
      expect((yield* authenticate(one.secret)).credential).toStrictEqual({ type: "key", id: one.apiKey.id })
      expect((yield* authenticate(other.secret)).credential).toStrictEqual({ type: "key", id: other.apiKey.id })
    })
  )

  it.effect("aren't created if the audit log can't record it", () =>
    Effect.gen(function* () {
      const { keys, maker } = yield* setUp()
      audit.breakDown(new Error("the log is away"))
      yield* Effect.exit(keys.create(maker, key())).pipe(Effect.ensuring(Effect.sync(() => audit.breakDown(undefined))))
      expect(yield* listKeys(maker)).toStrictEqual([])
    })
  )

  it.effect("can be created, listed and used in requests that see their own organization's rows, or none", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker, organization } = yield* setUp()
      const inRequest = asOrganization(organization.id)
      const { apiKey, secret } = yield* inRequest(keys.create(maker, key()))
      expect((yield* asNobody(authenticate(secret))).organization.id).toBe(organization.id)
      const next = yield* inRequest(keys.rotate(maker, apiKey.id, 60))
      expect((yield* inRequest(listKeys(maker))).map((each) => each.createdBy?.name)).toStrictEqual([
        maker.person.email,
        maker.person.email
      ])
      yield* inRequest(keys.remove(maker, next.apiKey.id))
    })
  )

  it.effect("have only their own role if they have no owner", () =>
    Effect.gen(function* () {
      const { authenticate, keys, organization } = yield* setUp()
      const local: Caller = {
        organization,
        roles: ["owner"],
        scopes: undefined,
        credential: { type: "local" },
        person: undefined
      }
      const { apiKey, secret } = yield* keys.create(local, key({ role: "viewer" }))
      expect(apiKey.createdBy).toBeNull()
      const caller = yield* authenticate(secret)
      expect([caller.roles, caller.person, caller.scopes]).toStrictEqual([["viewer"], undefined, undefined])
      expect((yield* listKeys(caller)).map((each) => each.id)).toStrictEqual([apiKey.id])
    })
  )

  it.effect("record their last use, off the request path and once a minute", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker, sql } = yield* setUp()
      const { apiKey, secret } = yield* keys.create(maker, key())
      const lastUsed = Effect.map(listKeys(maker), ([_]) => _?.lastUsedAt ?? undefined)
      expect(yield* lastUsed).toBeUndefined()
      yield* authenticate(secret)
      const noted = Effect.repeat(lastUsed, { until: (value) => value !== undefined })
      const first = yield* noted
      yield* sql`update api_keys set last_used_at = now() - interval '2 minutes' where id = ${apiKey.id}`
      yield* authenticate(secret)
      const second = yield* Effect.repeat(lastUsed, { until: (value) => value !== undefined && value >= (first ?? "") })
      yield* authenticate(secret)
      yield* authenticate(secret)
      expect(yield* lastUsed).toBe(second)
    })
  )

  it.effect("admits a session's person while they're a member, with the present role", () =>
    Effect.gen(function* () {
      const { authenticate, maker, organization, sql } = yield* setUp("admin")
      const { id, token } = yield* newSession(sql, maker, 60)
      const caller = { ...maker, credential: { type: "session" as const, id } }
      expect(yield* authenticate(token)).toStrictEqual(caller)
      yield* sql`update memberships set role = 'billing' where user_id = ${maker.person.id}`
      yield* sql`update users set verified_at = null where id = ${maker.person.id}`
      yield* sql`update organizations set delete_after = now() where id = ${organization.id}`
      expect(yield* authenticate(token)).toStrictEqual({
        ...caller,
        roles: ["billing"],
        person: { ...maker.person, verified: false }
      })
      yield* sql`delete from memberships where user_id = ${maker.person.id}`
      expect((yield* Effect.flip(authenticate(token))).detail).toMatch(/no longer a member of/)
    })
  )

  it.effect("refuses expired and ended sessions", () =>
    Effect.gen(function* () {
      const { authenticate, maker, sql } = yield* setUp()
      expect((yield* Effect.flip(authenticate((yield* newSession(sql, maker, -1)).token))).detail).toMatch(
        /has expired/
      )
      const { id, token } = yield* newSession(sql, maker, 60)
      yield* sql`delete from sessions where id = ${id}`
      const ended = yield* Effect.flip(authenticate(token))
      expect(ended).toStrictEqual(yield* Effect.flip(authenticate(newToken("session", id.slice(4)).token)))
    })
  )

  it.effect("refuses everything else, and quotes nothing of it", () =>
    Effect.gen(function* () {
      const { authenticate, keys, maker } = yield* setUp()
      const good = Redacted.value((yield* keys.create(maker, key())).secret)
      const edited = fc
        .tuple(fc.nat(good.length - 1), fc.constantFrom(..."aA0_-.=\u0000 "))
        .map(([at, letter]) => `${good.slice(0, at)}${letter}${good.slice(at + 1)}`)
        .filter((value) => value !== good)
      const cut = fc.nat(good.length - 1).map((generated) => good.slice(0, generated))
      const strange = fc.constantFrom(
        "",
        "mck_",
        "mcs_",
        "mci_",
        "a.b.c",
        "..",
        "mck_\u0000",
        `${good}.x.y`,
        `${good}=`,
        ` ${good}`
      )
      const samples = fc.sample(fc.oneof(edited, cut, fc.string(), strange), 150)
      for (const written of samples) {
        const refused = yield* Effect.flip(authenticate(Redacted.make(written)))
        expect(refused._tag, written).toBe("Unauthenticated")
        expect(written.length < 12 || !refused.message.includes(written), written).toBe(true)
      }
      yield* authenticate(Redacted.make(good))
    })
  )
})
