import { readFileSync } from "node:fs"
import { join as joinPath } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { layer as describeOn, expect, test } from "@effect/vitest"
import { productionStage } from "@maxcloud/config-schema"
import type { SessionGrant } from "@maxcloud/sdk/api"
import { Effect, Layer, Logger, LogLevel, Schema, Stream } from "effect"
import { madeDataDir } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, shop } from "../../../test/deployments/testServer.ts"
import { acting, plant, registered, testPrivacy, testStores, wordsOf } from "../../../test/privacy/testPrivacy.ts"
import { listApps, listDeployments, listEntries } from "../../../test/wholeLists.ts"
import type { Caller } from "../../tenancy/access/Caller.ts"
import { Members } from "../../tenancy/identity/Members.ts"
import { eraseOrphans } from "./eraseRows.ts"
import { notExported, organizationTables } from "./exportedTables.ts"
import { exportPage, membersOf } from "./exportPage.ts"
import { erasedTables, keptTables, keyTables, tablesWithOrganization } from "./organizationTables.ts"
import { Privacy } from "./Privacy.ts"
import { sweep } from "./Sweeper.ts"

const live = Layer.unwrapScoped(
  Effect.gen(function* () {
    const dataDir = yield* madeDataDir
    const fake = yield* makeFakeRuntime
    return testPrivacy({ dataDir, graceDays: 30 }).pipe(Layer.provideMerge(testStores(fake, dataDir)))
  })
).pipe(Layer.provide(Logger.minimumLogLevel(LogLevel.None)))

let made = 0
const newOwner = Effect.suspend(() => {
  made++
  return registered(`owner-${made}@example.com`, `org-of-${made}`)
})

/** Makes a person a member of another's organization. */
const join = (caller: Caller, { organization }: Caller, role: SessionGrant["role"]) =>
  Effect.flatMap(
    SqlClient,
    (sql) =>
      sql`insert into memberships (organization_id, user_id, role) values (${organization.id}, ${caller.person?.id ?? ""}, ${role})`
  )

const lines = <E, R>(stream: Stream.Stream<string, E, R>) =>
  Effect.map(Stream.runCollect(stream), (all) => [...all].map((value) => Schema.decodeUnknownSync(Line)(value)))
const Line = Schema.parseJson(
  Schema.Struct({ type: Schema.String, data: Schema.Record({ key: Schema.String, value: Schema.Unknown }) })
)

/** Does each line have the members that the reference lists? */
const expectMembers = (subject: Parameters<typeof membersOf>[0], all: ReadonlyArray<typeof Line.Type>) => {
  const members = membersOf(subject)
  for (const { data, type } of all.slice(1, -1))
    expect(Object.keys(data).sort(), type).toEqual(members[type]?.toSorted())
}

describeOn(live, { excludeTestServices: true, timeout: 60_000 })("privacy", (it) => {
  it.scoped("knows every table with an organization in its rows", () =>
    Effect.gen(function* () {
      const all = yield* tablesWithOrganization
      const erased = yield* erasedTables
      expect([...erased, ...keptTables, ...keyTables].sort()).toStrictEqual([...all].sort())
      expect(erased.indexOf("deployment_events")).toBeLessThan(erased.indexOf("deployments"))
      expect(erased.indexOf("deployments")).toBeLessThan(erased.indexOf("app_stages"))
      // A new table must declare whether it is exported.
      const exported = organizationTables
        .filter((organizationTable) => organizationTable.of === undefined)
        .map((organizationTable) => organizationTable.table)
      expect([...exported, ...Object.keys(notExported)].sort()).toStrictEqual([...all].sort())
    })
  )

  it.scoped("ends services at once, accepts no deployment, and keeps the organization if asked in time", () =>
    Effect.gen(function* () {
      const privacy = yield* Privacy
      const owner = yield* newOwner
      const { organization } = owner
      yield* finished(organization, yield* deploy(organization, [{ name: "web" }]))

      const other = yield* Effect.flip(privacy.deleteOrganization(owner, { name: "another" }).pipe(acting(owner)))
      expect(other._tag).toBe("Conflict")
      const { certificateId, deleteAfter } = yield* privacy
        .deleteOrganization(owner, { name: organization.name })
        .pipe(acting(owner))
      expect(Math.abs(Date.parse(deleteAfter) - Date.now() - 30 * 86_400_000)).toBeLessThanOrEqual(60_000)
      expect(certificateId).toMatch(/^era_[0-9a-f]{32}$/)
      expect((yield* privacy.certificate(certificateId)).erasedAt).toBe(null)
      expect((yield* privacy.describe(organization.id)).deleteAfter).toBe(deleteAfter)
      const [last] = yield* listDeployments(organization, shop, productionStage)
      if (last !== undefined) yield* finished(organization, last)
      expect(yield* listApps(organization)).toStrictEqual([])

      const again = yield* Effect.flip(
        privacy.deleteOrganization(owner, { name: organization.name }).pipe(acting(owner))
      )
      expect(again.message).toContain("already being deleted")
      const refused = yield* Effect.flip(deploy(organization, [{ name: "web" }]))
      expect(refused._tag).toBe("Conflict")
      expect(refused.message).toContain("maxcloud org keep")

      yield* privacy.cancelDeletion(owner).pipe(acting(owner))
      expect((yield* Effect.flip(privacy.certificate(certificateId)))._tag).toBe("NotFound")
      expect((yield* Effect.flip(privacy.cancelDeletion(owner)))._tag).toBe("NotFound")
      yield* deploy(organization, [{ name: "web" }])
      const actions = (yield* listEntries(organization.id, { limit: 100 })).map((each) => each.action)
      expect(actions).toEqual(expect.arrayContaining(["organization.delete", "organization.cancelDeletion"]))
    })
  )

  it.scoped("leaves a server without sign-in its organization", () =>
    Effect.gen(function* () {
      const privacy = yield* Privacy
      const owner = yield* newOwner
      const caller: Caller = { ...owner, credential: { type: "local" }, person: undefined }
      const refused = yield* Effect.flip(privacy.deleteOrganization(caller, { name: owner.organization.name }))
      expect(refused.message).toContain("data folder")
    })
  )

  it.scoped("erases a person, but not an organization's only owner; the audit log continues without the name", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const privacy = yield* Privacy
      const [owner, member] = [yield* newOwner, yield* newOwner]
      const person = member.person
      if (person === undefined) return yield* Effect.dieMessage("nobody")
      const alone = yield* Effect.flip(privacy.erasePerson(person).pipe(acting(member)))
      expect(alone.message).toContain(`you are the only member of "${member.organization.name}"`)
      yield* join(owner, member, "viewer")
      const only = yield* Effect.flip(privacy.erasePerson(person).pipe(acting(member)))
      expect(only.message).toContain("so first make another member its owner")
      yield* Effect.flatMap(Members, (members) => members.change(member, owner.person?.id ?? person.id, "owner")).pipe(
        acting(member)
      )
      yield* sql`
        insert into invites (organization_id, id, email, role, token_hash, expires_at)
        values (${owner.organization.id}, ${`inv_${"0".repeat(32)}`}, ${person.email}, 'viewer', 'x', now() + interval '1 day')`

      const certificate = yield* privacy.erasePerson(person).pipe(acting(member))
      expect(certificate.subject).toStrictEqual({ type: "person", id: person.id })
      expect(certificate.erasedAt).not.toBeNull()
      const counted = Object.fromEntries(certificate.stores.map((store) => [store.action, store.count]))
      expect(counted).toMatchObject({
        "rows of users deleted": 1,
        "rows of memberships deleted": 1,
        "rows of invites deleted": 1
      })
      const left = yield* sql`
        select 1 from users where id = ${person.id}
        union all select 1 from memberships where user_id = ${person.id}
        union all select 1 from person_keys where person_id = ${person.id}
        union all select 1 from invites where email = ${person.email}`
      expect(left).toHaveLength(0)
      const entries = yield* listEntries(member.organization.id, { limit: 100 })
      expect(entries.map((entry) => entry.action)).toContain("account.delete")
      for (const { actor } of entries) expect([actor.email, actor.address]).toStrictEqual([null, null])
      expect(entries.some((entry) => entry.subject !== null)).toBe(true)
      expect(yield* privacy.certificate(certificate.id)).toStrictEqual(certificate)
    })
  )

  it.scoped("exports everything stored about an organization, page by page, and no secret value", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const privacy = yield* Privacy
      const words = wordsOf("x")
      const owner = yield* plant(words)
      yield* plant(wordsOf("y"))
      // More than a page, with the same beginning of the key.
      yield* sql`
        insert into deployment_events (organization_id, deployment_id, id, type, reason, message)
        select organization_id, id, n, 'warning', 'R', 'm' from deployments, generate_series(1000, 2499) n
        where organization_id = ${owner.organization.id}`
      const all = yield* lines(privacy.exportOrganization(owner))
      const text = JSON.stringify(all)
      expect(all[0]).toMatchObject({ type: "header" })
      expect(all[0]?.data).toMatchObject({ format: "maxcloud-organization", version: 1 })
      const counts: Record<string, number> = {}
      for (const { type } of all.slice(1, -1)) counts[type] = (counts[type] ?? 0) + 1
      expect(all.at(-1)).toStrictEqual({ type: "end", data: { counts } })
      expect(counts["deploymentEvent"] ?? 0).toBeGreaterThan(1500)
      const events = all
        .filter((each) => each.type === "deploymentEvent")
        .map((each) => `${each.data["deployment"]}/${each.data["id"]}`)
      expect(new Set(events).size).toBe(events.length)
      const { source, sourceName, keptLine, logLine, ...rest } = words.visible
      for (const [what, word] of Object.entries(rest)) expect(text.includes(word), what).toBe(true)
      expect(text.includes(words.sealed.audit)).toBe(true)
      expect(text.includes(words.sealed.secret) || text.includes(words.sealed.password)).toBe(false)
      expect(text).not.toContain("zqy")
      for (const type of ["source", "auditEntry", "logLine", "usage", "drift", "secret", "quotas", "manifests"]) {
        expect(counts[type] ?? 0, type).toBeGreaterThan(0)
      }
      expect(text).not.toMatch(/token_?hash|wrapped|"sealed"/i)
      expectMembers("organization", all)
    })
  )

  it.scoped("exports everything stored about a person", () =>
    Effect.gen(function* () {
      const privacy = yield* Privacy
      const words = wordsOf("p")
      const owner = yield* plant(words)
      const person = owner.person
      if (person === undefined) return yield* Effect.dieMessage("nobody")
      const all = yield* lines(privacy.exportPerson(person))
      const types = new Set(all.map((each) => each.type))
      for (const type of [
        "header",
        "account",
        "membership",
        "session",
        "apiKey",
        "invited",
        "device",
        "code",
        "mail",
        "auditEntry",
        "end"
      ]) {
        expect(types.has(type), type).toBe(true)
      }
      const entry = all.find((each) => each.type === "auditEntry" && each.data["action"] === "apps.plan")
      expect(entry?.data).toMatchObject({ email: person.email, address: "203.0.113.7" })
      expect(JSON.stringify(all)).not.toContain(words.sealed.audit)
      expectMembers("person", all)
    })
  )

  it.scoped("deletes expired items, and rows whose organization was erased", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const { organization } = yield* newOwner
      const gone = `org_${"0".repeat(32)}`
      for (const [n, days] of [31, 29].entries()) {
        yield* sql`
          insert into invites (organization_id, id, email, role, token_hash, expires_at)
          values (${organization.id}, ${`inv_${n}`}, 'x@example.com', 'viewer', ${`h${n}`}, now() - ${days} * interval '1 day')`
      }
      yield* sql`insert into work_items (organization_id, key) values (${gone}, 'app/stage')`
      yield* sql`insert into work_items (organization_id, key, available_at) values (${organization.id}, 'app/stage', 'infinity')`
      yield* sweep
      const invites = yield* sql<{ id: string }>`select id from invites where organization_id = ${organization.id}`
      expect(invites).toStrictEqual([{ id: "inv_1" }])
      const items = yield* sql`select 1 from work_items where organization_id in ${sql.in([gone, organization.id])}`
      expect(items).toHaveLength(1)
      expect(yield* eraseOrphans).toStrictEqual([])
    })
  )
})

test("the export reference is up to date", () => {
  const committed = readFileSync(joinPath(import.meta.dirname, "../../../../docs/reference/exports.md"), "utf8")
  expect(committed).toBe(exportPage())
})
