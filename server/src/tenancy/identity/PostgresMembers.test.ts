import { SqlClient } from "@effect/sql/SqlClient"
import { layer as describeOn, expect } from "@effect/vitest"
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

const idOf = ({ person }: Caller) => person?.id ?? expect.unreachable("no person")
const emailOf = ({ person }: Caller) => Email.make(person?.email ?? "")
const rolesIn = (caller: Caller) => listMembers(caller).pipe(Effect.map((all) => all.map((each) => each.role)))

describeOn(testIdentity(), { excludeTestServices: true })("the members of an organization", (it) => {
  it.effect("an invite creates the account, with a confirmed address, and the membership, once", () =>
    Effect.gen(function* () {
      const invites = yield* Invites
      const { told } = yield* Seen
      const by = yield* owner
      const { email } = newNames("i")
      const invite = yield* invites.create(by, { email, role: "deployer", expiresInSeconds: day })
      const createdBy = { type: "person", id: by.person?.id, name: emailOf(by) }
      expect(invite).toMatchObject({ email, role: "deployer", state: "open", createdBy })
      expect(told.at(-1)).toMatchObject({ action: "auth.createInvite", organizationId: by.organization.id })
      const { text } = yield* mailTo(email)
      expect(text).toMatch(/^https:\/\/cloud\.example\.com\/auth\/accept-invite\?token=mci_\w+/m)
      expect(text).toContain(`${emailOf(by)} invites you`)
      const token = yield* tokenTo(email)
      const grant = yield* invites.accept(token)
      expect(grant).toMatchObject({ role: "deployer", organization: by.organization.name })
      expect(grant.user).toMatchObject({ email, verified: true })
      expect(told.at(-1)).toMatchObject({ action: "signIn.acceptInvite", organizationId: by.organization.id })
      expect(yield* rolesIn(by)).toStrictEqual(["owner", "deployer"])
      expect((yield* Effect.flip(invites.accept(token))).message).toContain("already accepted")
      expect((yield* listInvites(by))[0]).toMatchObject({ state: "accepted", createdBy })
      const again = yield* Effect.flip(invites.create(by, { email, role: "viewer", expiresInSeconds: day }))
      expect(again._tag).toBe("Conflict")
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
      expect(all.filter(Either.isRight)).toHaveLength(1)
    })
  )

  it.effect("invites that were revoked, replaced, forged or have expired don't create a member", () =>
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
      expect((yield* refusal(first)).message).toContain("newer one")
      expect((yield* refusal(newToken("invite", parseToken("invite", token)?.id ?? "").token))._tag).toBe("NotFound")
      expect((yield* refusal(newToken("invite", hexOf(newId("inv"))).token))._tag).toBe("NotFound")
      yield* sql`update invites set expires_at = now() where id = ${second.id}`
      expect((yield* refusal(token)).message).toContain("expired")
      const third = yield* invites.create(by, { email, role: "admin", expiresInSeconds: day })
      yield* invites.revoke(by, third.id)
      expect((yield* refusal(yield* tokenTo(email))).message).toContain("revoked")
      expect((yield* Effect.flip(invites.revoke(by, third.id)))._tag).toBe("NotFound")
      expect((yield* listInvites(by)).map((each) => each.state)).toStrictEqual(["revoked", "revoked", "revoked"])
      expect(yield* rolesIn(by)).toStrictEqual(["owner"])
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
      expect((yield* listInvites(by)).filter((each) => each.state === "open")).toHaveLength(1)
    })
  )

  it.effect("nobody can invite to a higher role than their own, nor after losing it", () =>
    Effect.gen(function* () {
      const invites = yield* Invites
      const members = yield* Members
      const by = yield* owner
      const admin = yield* joined(by, "admin")
      const { email } = newNames("i")
      const refused = yield* Effect.flip(invites.create(admin, { email, role: "owner", expiresInSeconds: day }))
      expect(refused._tag).toBe("Forbidden")
      yield* invites.create(admin, { email, role: "admin", expiresInSeconds: day })
      yield* members.remove(by, idOf(admin))
      expect((yield* Effect.flip(invites.accept(yield* tokenTo(email))))._tag).toBe("NotFound")
    })
  )

  it.effect("an invite is visible and revocable only in its own organization", () =>
    Effect.gen(function* () {
      const invites = yield* Invites
      const by = yield* owner
      const stranger = yield* owner
      const { id } = yield* invites.create(by, { email: newNames("i").email, role: "viewer", expiresInSeconds: day })
      expect(yield* listInvites(stranger)).toHaveLength(0)
      expect((yield* Effect.flip(invites.revoke(stranger, id)))._tag).toBe("NotFound")
      expect((yield* Effect.flip(invites.revoke(by, InviteId.make(newId("inv")))))._tag).toBe("NotFound")
    })
  )

  it.effect("an account that somebody registered with another's address becomes that person's when they accept", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const invites = yield* Invites
      const sql = yield* SqlClient
      const by = yield* owner
      const names = newNames("p")
      const { user } = yield* accounts.register(names)
      yield* invites.create(by, { email: names.email, role: "deployer", expiresInSeconds: day })
      const grant = yield* invites.accept(yield* tokenTo(names.email))
      expect(grant.user).toStrictEqual({ ...user, verified: true })
      expect(yield* sql`select 1 from sessions where user_id = ${user.id}`).toHaveLength(1)
    })
  )

  it.effect("a person who is already a member keeps the role, and is signed in", () =>
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
      expect(grant.role).toBe("viewer")
    })
  )

  it.effect("only owners change owners, and nobody grants more than they have", () =>
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
        expect((yield* Effect.flip(attempt))._tag).toBe("Forbidden")
      }
      expect(yield* members.change(admin, idOf(deployer), "admin")).toMatchObject({ role: "admin" })
      // A session of a former owner.
      const stale = { ...deployer, roles: ["owner"] as const }
      expect((yield* Effect.flip(members.change(stale, idOf(by), "viewer")))._tag).toBe("Forbidden")
      expect(yield* rolesIn(by)).toStrictEqual(["owner", "admin", "admin"])
    })
  )

  it.effect("strangers aren't members in either organization", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const by = yield* owner
      const stranger = yield* owner
      expect((yield* Effect.flip(members.change(by, idOf(stranger), "viewer")))._tag).toBe("NotFound")
      expect((yield* Effect.flip(members.remove(by, idOf(stranger))))._tag).toBe("NotFound")
      expect((yield* Effect.flip(members.remove(by, UserId.make(newId("usr")))))._tag).toBe("NotFound")
    })
  )

  it.effect("an organization keeps an owner", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const by = yield* owner
      expect((yield* Effect.flip(members.change(by, idOf(by), "admin")))._tag).toBe("Conflict")
      expect((yield* Effect.flip(members.remove(by, idOf(by))))._tag).toBe("Conflict")
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
      expect(all.filter(Either.isRight).length).toBeGreaterThanOrEqual(1)
      expect((yield* rolesIn(by)).filter((value) => value === "owner")).toHaveLength(1)
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
      expect(told.at(-1)).toMatchObject({ action: "organization.removeMember", organizationId: by.organization.id })
      for (const table of ["sessions", "api_keys"]) {
        const column = table === "sessions" ? "user_id" : "created_by"
        const rows = yield* sql`
          select organization_id from ${sql(table)} where ${sql(column)} = ${idOf(here)}`
        expect(rows).toStrictEqual([{ organization_id: elsewhere.organization.id }])
      }
      expect((yield* Effect.flip(members.remove(here, idOf(by))))._tag).toBe("Forbidden")
    })
  )

  it.effect("a session can be granted for each organization of a person, and ended", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const sql = yield* SqlClient
      const by = yield* owner
      const other = yield* owner
      const person = yield* joined(by, "viewer", emailOf(other))
      const grant = yield* sessions.grant(idOf(person), other.organization.name)
      expect(grant.role).toBe("owner")
      const stranger = yield* owner
      expect((yield* Effect.flip(sessions.grant(idOf(person), stranger.organization.name)))._tag).toBe("NotFound")
      const caller = callerWith(grant, other.organization.id)
      expect(yield* sessions.describe(caller)).toStrictEqual({ name: null, expiresAt: grant.expiresAt })
      yield* sessions.end(caller)
      expect(yield* sessions.describe(caller)).toStrictEqual({ name: null, expiresAt: null })
      yield* sessions.discard(yield* sessions.grant(idOf(person), by.organization.name))
      expect(yield* sql`select 1 from sessions where user_id = ${idOf(person)}`).toHaveLength(2)
      const local = { ...caller, credential: { type: "local" } as const }
      expect((yield* Effect.flip(sessions.end(local)))._tag).toBe("Forbidden")
    })
  )
})
