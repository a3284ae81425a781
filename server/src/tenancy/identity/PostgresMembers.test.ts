import { SqlClient } from "@effect/sql/SqlClient"
import { assert, layer as describeOn } from "@effect/vitest"
import { Email, InviteId, type Role, UserId } from "@maxcloud/sdk/api"
import { Effect, Either, Option, type Redacted } from "effect"
import { callerWith, mailTo, newNames, Seen, testIdentity, tokenTo } from "../../../test/identity/testIdentity.ts"
import { listInvites, listMembers } from "../../../test/wholeLists.ts"
import { newId } from "../../base/database/newId.ts"
import type { Caller } from "../access/Caller.ts"
import { Organizations } from "../organizations/Organizations.ts"
import { Accounts, Sessions } from "./Accounts.ts"
import { Invites, Members } from "./Members.ts"
import { hexOf, newToken, parseToken } from "./tokens.ts"

/** An owner with an organization of their own. */
const owner = Effect.gen(function* () {
  const accounts = yield* Accounts
  const names = newNames("m")
  const grant = yield* accounts.register(names)
  const organization = yield* Effect.flatMap(Organizations, (organizations) => organizations.find(names.organization))
  yield* accounts.verify(yield* tokenTo(names.email))
  return callerWith({ ...grant, user: { ...grant.user, verified: true } }, Option.getOrThrow(organization).id)
})

const day = 86_400

/** Somebody whom `by` has invited, and who has accepted. */
const joined = (by: Caller, role: Role, email = newNames("j").email) =>
  Effect.gen(function* () {
    const invites = yield* Invites
    yield* invites.create(by, { email, role, expiresInSeconds: day })
    return callerWith(yield* invites.accept(yield* tokenTo(email)), by.organization.id)
  })

const idOf = ({ person }: Caller) => person?.id ?? assert.fail("no person")
const emailOf = ({ person }: Caller) => Email.make(person?.email ?? "")
const rolesIn = (caller: Caller) => listMembers(caller).pipe(Effect.map((all) => all.map((each) => each.role)))

describeOn(testIdentity(), { excludeTestServices: true })("the members of an organization", (it) => {
  it.effect("an invite makes the account, its address proven, and the membership; once", () =>
    Effect.gen(function* () {
      const invites = yield* Invites
      const { told } = yield* Seen
      const by = yield* owner
      const { email } = newNames("i")
      const invite = yield* invites.create(by, { email, role: "deployer", expiresInSeconds: day })
      assert.deepInclude(invite, { email, role: "deployer", state: "open" })
      assert.deepInclude(told.at(-1), { action: "auth.createInvite", organizationId: by.organization.id })
      const { text } = yield* mailTo(email)
      assert.match(text, /^https:\/\/cloud\.example\.com\/auth\/accept-invite\?token=mci_\w+/m)
      assert.include(text, `${emailOf(by)} invites you`)
      const token = yield* tokenTo(email)
      const grant = yield* invites.accept(token)
      assert.deepInclude(grant, { role: "deployer", organization: by.organization.name })
      assert.deepInclude(grant.user, { email, verified: true })
      assert.deepInclude(told.at(-1), { action: "signIn.acceptInvite", organizationId: by.organization.id })
      assert.deepStrictEqual(yield* rolesIn(by), ["owner", "deployer"])
      assert.include((yield* Effect.flip(invites.accept(token))).message, "accepted already")
      assert.strictEqual((yield* listInvites(by))[0]?.state, "accepted")
      const again = yield* Effect.flip(invites.create(by, { email, role: "viewer", expiresInSeconds: day }))
      assert.strictEqual(again._tag, "Conflict")
    })
  )

  it.effect("if two people accept at once, one succeeds", () =>
    Effect.gen(function* () {
      const invites = yield* Invites
      const by = yield* owner
      const { email } = newNames("i")
      yield* invites.create(by, { email, role: "viewer", expiresInSeconds: day })
      const token = yield* tokenTo(email)
      const all = yield* Effect.all(
        Array.from({ length: 8 }, () => Effect.either(invites.accept(token))),
        { concurrency: 8 }
      )
      assert.lengthOf(all.filter(Either.isRight), 1)
    })
  )

  it.effect("invites that were taken back, replaced, forged or have expired make no member", () =>
    Effect.gen(function* () {
      const invites = yield* Invites
      const sql = yield* SqlClient
      const by = yield* owner
      const { email } = newNames("i")
      const refusal = (token: Redacted.Redacted) => Effect.flip(invites.accept(token))
      yield* invites.create(by, { email, role: "viewer", expiresInSeconds: day })
      const first = yield* tokenTo(email)
      const second = yield* invites.create(by, { email, role: "admin", expiresInSeconds: day })
      const token = yield* tokenTo(email)
      assert.include((yield* refusal(first)).message, "newer one")
      assert.strictEqual(
        (yield* refusal(newToken("invite", parseToken("invite", token)?.id ?? "").token))._tag,
        "NotFound"
      )
      assert.strictEqual((yield* refusal(newToken("invite", hexOf(newId("inv"))).token))._tag, "NotFound")
      yield* sql`update invites set expires_at = now() where id = ${second.id}`
      assert.include((yield* refusal(token)).message, "expired")
      const third = yield* invites.create(by, { email, role: "admin", expiresInSeconds: day })
      yield* invites.revoke(by, third.id)
      assert.include((yield* refusal(yield* tokenTo(email))).message, "taken back")
      assert.strictEqual((yield* Effect.flip(invites.revoke(by, third.id)))._tag, "NotFound")
      assert.deepStrictEqual(
        (yield* listInvites(by)).map((each) => each.state),
        ["revoked", "revoked", "revoked"]
      )
      assert.deepStrictEqual(yield* rolesIn(by), ["owner"])
    })
  )

  it.effect("two invites of one address at once leave one open", () =>
    Effect.gen(function* () {
      const invites = yield* Invites
      const by = yield* owner
      const { email } = newNames("i")
      yield* Effect.all(
        Array.from({ length: 4 }, () => invites.create(by, { email, role: "viewer", expiresInSeconds: day })),
        { concurrency: 4 }
      )
      assert.lengthOf(
        (yield* listInvites(by)).filter((each) => each.state === "open"),
        1
      )
    })
  )

  it.effect("nobody invites to more than they are, nor after they are no longer that", () =>
    Effect.gen(function* () {
      const invites = yield* Invites
      const members = yield* Members
      const by = yield* owner
      const admin = yield* joined(by, "admin")
      const { email } = newNames("i")
      const refused = yield* Effect.flip(invites.create(admin, { email, role: "owner", expiresInSeconds: day }))
      assert.strictEqual(refused._tag, "Forbidden")
      yield* invites.create(admin, { email, role: "admin", expiresInSeconds: day })
      yield* members.remove(by, idOf(admin))
      assert.strictEqual((yield* Effect.flip(invites.accept(yield* tokenTo(email))))._tag, "NotFound")
    })
  )

  it.effect("an invite is seen and taken back in its own organization alone", () =>
    Effect.gen(function* () {
      const invites = yield* Invites
      const by = yield* owner
      const stranger = yield* owner
      const { id } = yield* invites.create(by, { email: newNames("i").email, role: "viewer", expiresInSeconds: day })
      assert.lengthOf(yield* listInvites(stranger), 0)
      assert.strictEqual((yield* Effect.flip(invites.revoke(stranger, id)))._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(invites.revoke(by, InviteId.make(newId("inv")))))._tag, "NotFound")
    })
  )

  it.effect("an account of somebody who registered with another's address is that person's, once they accept", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const invites = yield* Invites
      const sql = yield* SqlClient
      const by = yield* owner
      const names = newNames("p")
      const { user } = yield* accounts.register(names)
      yield* invites.create(by, { email: names.email, role: "deployer", expiresInSeconds: day })
      const grant = yield* invites.accept(yield* tokenTo(names.email))
      assert.deepStrictEqual(grant.user, { ...user, verified: true })
      assert.lengthOf(yield* sql`select 1 from sessions where user_id = ${user.id}`, 1)
    })
  )

  it.effect("a person who is a member already keeps the role, and is signed in", () =>
    Effect.gen(function* () {
      const invites = yield* Invites
      const sql = yield* SqlClient
      const by = yield* owner
      const other = yield* owner
      yield* invites.create(by, { email: emailOf(other), role: "admin", expiresInSeconds: day })
      yield* sql`
        insert into memberships (organization_id, user_id, role)
        values (${by.organization.id}, ${idOf(other)}, 'viewer')`
      const grant = yield* invites.accept(yield* tokenTo(emailOf(other)))
      assert.strictEqual(grant.role, "viewer")
    })
  )

  it.effect("only owners change owners, and nobody makes anybody more than they are", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const by = yield* owner
      const admin = yield* joined(by, "admin")
      const deployer = yield* joined(by, "deployer")
      for (const attempt of [
        members.change(admin, idOf(by), "viewer"),
        members.remove(admin, idOf(by)),
        members.change(admin, idOf(deployer), "owner"),
        members.change(admin, idOf(admin), "owner"),
        members.change(deployer, idOf(deployer), "admin")
      ]) {
        assert.strictEqual((yield* Effect.flip(attempt))._tag, "Forbidden")
      }
      assert.deepInclude(yield* members.change(admin, idOf(deployer), "admin"), { role: "admin" })
      // A session that was an owner's, of somebody who is none any more.
      const stale = { ...deployer, roles: ["owner"] as const }
      assert.strictEqual((yield* Effect.flip(members.change(stale, idOf(by), "viewer")))._tag, "Forbidden")
      assert.deepStrictEqual(yield* rolesIn(by), ["owner", "admin", "admin"])
    })
  )

  it.effect("strangers are no members: neither here nor there", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const by = yield* owner
      const stranger = yield* owner
      assert.strictEqual((yield* Effect.flip(members.change(by, idOf(stranger), "viewer")))._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(members.remove(by, idOf(stranger))))._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(members.remove(by, UserId.make(newId("usr")))))._tag, "NotFound")
    })
  )

  it.effect("an organization keeps an owner", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const by = yield* owner
      assert.strictEqual((yield* Effect.flip(members.change(by, idOf(by), "admin")))._tag, "Conflict")
      assert.strictEqual((yield* Effect.flip(members.remove(by, idOf(by))))._tag, "Conflict")
      const other = yield* joined(by, "owner")
      const all = yield* Effect.all(
        [
          Effect.either(Effect.asVoid(members.change(by, idOf(other), "viewer"))),
          Effect.either(Effect.asVoid(members.change(other, idOf(by), "viewer"))),
          Effect.either(members.remove(by, idOf(by))),
          Effect.either(members.remove(other, idOf(other)))
        ],
        { concurrency: 4 }
      )
      assert.isAtLeast(all.filter(Either.isRight).length, 1)
      assert.lengthOf(
        (yield* rolesIn(by)).filter((value) => value === "owner"),
        1
      )
    })
  )

  it.effect("a removed member loses sessions and keys there, and keeps those elsewhere", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const sql = yield* SqlClient
      const { told } = yield* Seen
      const by = yield* owner
      const elsewhere = yield* owner
      const here = yield* joined(by, "admin", emailOf(elsewhere))
      for (const { organization } of [here, elsewhere]) {
        yield* sql`
          insert into api_keys (organization_id, id, name, prefix, token_hash, role, created_by)
          values (${organization.id}, ${newId("key")}, 'x', ${hexOf(newId("key"))}, ${Buffer.alloc(32)}, 'viewer',
            ${idOf(here)})`
      }
      yield* members.remove(by, idOf(here))
      assert.deepInclude(told.at(-1), { action: "organization.removeMember", organizationId: by.organization.id })
      for (const table of ["sessions", "api_keys"]) {
        const column = table === "sessions" ? "user_id" : "created_by"
        const rows = yield* sql`
          select organization_id from ${sql(table)} where ${sql(column)} = ${idOf(here)}`
        assert.deepEqual(rows, [{ organization_id: elsewhere.organization.id }])
      }
      assert.strictEqual((yield* Effect.flip(members.remove(here, idOf(by))))._tag, "Forbidden")
    })
  )

  it.effect("a session may be granted for each organization of a person, and ended", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const sql = yield* SqlClient
      const by = yield* owner
      const other = yield* owner
      const person = yield* joined(by, "viewer", emailOf(other))
      const grant = yield* sessions.grant(idOf(person), other.organization.name)
      assert.strictEqual(grant.role, "owner")
      const stranger = yield* owner
      assert.strictEqual(
        (yield* Effect.flip(sessions.grant(idOf(person), stranger.organization.name)))._tag,
        "NotFound"
      )
      const caller = callerWith(grant, other.organization.id)
      assert.deepStrictEqual(yield* sessions.describe(caller), { name: null, expiresAt: grant.expiresAt })
      yield* sessions.end(caller)
      assert.deepStrictEqual(yield* sessions.describe(caller), { name: null, expiresAt: null })
      yield* sessions.discard(yield* sessions.grant(idOf(person), by.organization.name))
      assert.lengthOf(yield* sql`select 1 from sessions where user_id = ${idOf(person)}`, 2)
      const local = { ...caller, credential: { type: "local" } as const }
      assert.strictEqual((yield* Effect.flip(sessions.end(local)))._tag, "Forbidden")
    })
  )
})
