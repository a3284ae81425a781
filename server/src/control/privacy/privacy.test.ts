import { SqlClient } from "@effect/sql/SqlClient"
import { assert, layer as describeOn } from "@effect/vitest"
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

describeOn(live, { excludeTestServices: true, timeout: 60_000 })("privacy", (it) => {
  it.scoped("knows every table that has an organization in its rows", () =>
    Effect.gen(function* () {
      const all = yield* tablesWithOrganization
      const erased = yield* erasedTables
      assert.deepStrictEqual([...erased, ...keptTables, ...keyTables].sort(), [...all].sort())
      assert.isBelow(erased.indexOf("deployment_events"), erased.indexOf("deployments"))
      assert.isBelow(erased.indexOf("deployments"), erased.indexOf("app_stages"))
      // Whoever adds a table says whether it is exported.
      const exported = organizationTables
        .filter((organizationTable) => organizationTable.of === undefined)
        .map((organizationTable) => organizationTable.table)
      assert.deepStrictEqual([...exported, ...Object.keys(notExported)].sort(), [...all].sort())
    })
  )

  it.scoped("ends services at once, takes no deployment, and keeps the organization if asked within the time", () =>
    Effect.gen(function* () {
      const privacy = yield* Privacy
      const owner = yield* newOwner
      const { organization } = owner
      yield* finished(organization, yield* deploy(organization, [{ name: "web" }]))

      const other = yield* Effect.flip(privacy.deleteOrganization(owner, { name: "another" }).pipe(acting(owner)))
      assert.strictEqual(other._tag, "Conflict")
      const { certificateId, deleteAfter } = yield* privacy
        .deleteOrganization(owner, { name: organization.name })
        .pipe(acting(owner))
      assert.approximately(Date.parse(deleteAfter) - Date.now(), 30 * 86_400_000, 60_000)
      assert.match(certificateId, /^era_[0-9a-f]{32}$/)
      assert.strictEqual((yield* privacy.certificate(certificateId)).erasedAt, null)
      assert.strictEqual((yield* privacy.describe(organization.id)).deleteAfter, deleteAfter)
      const [last] = yield* listDeployments(organization, shop, productionStage)
      if (last !== undefined) yield* finished(organization, last)
      assert.deepStrictEqual(yield* listApps(organization), [])

      const again = yield* Effect.flip(
        privacy.deleteOrganization(owner, { name: organization.name }).pipe(acting(owner))
      )
      assert.include(again.message, "being deleted already")
      const refused = yield* Effect.flip(deploy(organization, [{ name: "web" }]))
      assert.strictEqual(refused._tag, "Conflict")
      assert.include(refused.message, "maxcloud org keep")

      yield* privacy.cancelDeletion(owner).pipe(acting(owner))
      assert.strictEqual((yield* Effect.flip(privacy.certificate(certificateId)))._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(privacy.cancelDeletion(owner)))._tag, "NotFound")
      yield* deploy(organization, [{ name: "web" }])
      const actions = (yield* listEntries(organization.id, { limit: 100 })).map((each) => each.action)
      assert.includeMembers(actions, ["organization.delete", "organization.cancelDeletion"])
    })
  )

  it.scoped("leaves a server without sign-in its organization", () =>
    Effect.gen(function* () {
      const privacy = yield* Privacy
      const owner = yield* newOwner
      const caller: Caller = { ...owner, credential: { type: "local" }, person: undefined }
      const refused = yield* Effect.flip(privacy.deleteOrganization(caller, { name: owner.organization.name }))
      assert.include(refused.message, "data folder")
    })
  )

  it.scoped("erases a person, but no organization's only owner; the audit log continues without the name", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const privacy = yield* Privacy
      const [owner, member] = [yield* newOwner, yield* newOwner]
      const person = member.person
      if (person === undefined) return yield* Effect.dieMessage("nobody")
      const alone = yield* Effect.flip(privacy.erasePerson(person).pipe(acting(member)))
      assert.include(alone.message, `you are the only member of "${member.organization.name}"`)
      yield* join(owner, member, "viewer")
      const only = yield* Effect.flip(privacy.erasePerson(person).pipe(acting(member)))
      assert.include(only.message, "make another member its owner first")
      yield* Effect.flatMap(Members, (members) => members.change(member, owner.person?.id ?? person.id, "owner")).pipe(
        acting(member)
      )
      yield* sql`
        insert into invites (organization_id, id, email, role, token_hash, expires_at)
        values (${owner.organization.id}, ${`inv_${"0".repeat(32)}`}, ${person.email}, 'viewer', 'x', now() + interval '1 day')`

      const certificate = yield* privacy.erasePerson(person).pipe(acting(member))
      assert.deepStrictEqual(certificate.subject, { type: "person", id: person.id })
      assert.isNotNull(certificate.erasedAt)
      const counted = Object.fromEntries(certificate.stores.map((store) => [store.action, store.count]))
      assert.deepInclude(counted, {
        "rows of users deleted": 1,
        "rows of memberships deleted": 1,
        "rows of invites deleted": 1
      })
      const left = yield* sql`
        select 1 from users where id = ${person.id}
        union all select 1 from memberships where user_id = ${person.id}
        union all select 1 from person_keys where person_id = ${person.id}
        union all select 1 from invites where email = ${person.email}`
      assert.lengthOf(left, 0)
      const entries = yield* listEntries(member.organization.id, { limit: 100 })
      assert.include(
        entries.map((entry) => entry.action),
        "account.delete"
      )
      for (const { actor } of entries) assert.deepStrictEqual([actor.email, actor.address], [null, null])
      assert.isTrue(entries.some((entry) => entry.subject !== null))
      assert.deepStrictEqual(yield* privacy.certificate(certificate.id), certificate)
    })
  )

  it.scoped("exports all that is kept of an organization, page by page, and no value of a secret", () =>
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
      assert.deepInclude(all[0], { type: "header" })
      assert.deepInclude(all[0]?.data, { format: "maxcloud-organization", version: 1 })
      const counts: Record<string, number> = {}
      for (const { type } of all.slice(1, -1)) counts[type] = (counts[type] ?? 0) + 1
      assert.deepStrictEqual(all.at(-1), { type: "end", data: { counts } })
      assert.isAbove(counts["deploymentEvent"] ?? 0, 1500)
      const events = all
        .filter((each) => each.type === "deploymentEvent")
        .map((each) => `${each.data["deployment"]}/${each.data["id"]}`)
      assert.strictEqual(new Set(events).size, events.length)
      const { source, sourceName, keptLine, logLine, ...rest } = words.visible
      for (const [what, word] of Object.entries(rest)) assert.isTrue(text.includes(word), what)
      assert.isTrue(text.includes(words.sealed.audit))
      assert.isFalse(text.includes(words.sealed.secret) || text.includes(words.sealed.password))
      assert.notInclude(text, "zqy")
      for (const type of ["source", "auditEntry", "logLine", "usage", "drift", "secret", "quotas", "manifests"]) {
        assert.isAbove(counts[type] ?? 0, 0, type)
      }
      assert.notMatch(text, /token_?hash|wrapped|"sealed"/i)
    })
  )

  it.scoped("exports all that is kept of a person", () =>
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
        assert.isTrue(types.has(type), type)
      }
      const entry = all.find((each) => each.type === "auditEntry" && each.data["action"] === "apps.plan")
      assert.deepInclude(entry?.data, { email: person.email, address: "203.0.113.7" })
      assert.notInclude(JSON.stringify(all), words.sealed.audit)
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
      assert.deepStrictEqual(invites, [{ id: "inv_1" }])
      const items = yield* sql`select 1 from work_items where organization_id in ${sql.in([gone, organization.id])}`
      assert.lengthOf(items, 1)
      assert.deepStrictEqual(yield* eraseOrphans, [])
    })
  )
})
