import { randomBytes } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { AuditList, type OrganizationId, SessionId, UserId } from "@maxcloud/sdk/api"
import { type AuditPins, lastCheckpointIn, verifyAuditExport } from "@maxcloud/sdk/effect"
import { Chunk, Effect, Exit, Layer, ManagedRuntime, Option, Stream } from "effect"
import pg from "pg"
import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { newOrganization } from "../../../test/deployments/testServer.ts"
import { listEntries } from "../../../test/wholeLists.ts"
import { newId } from "../../base/database/newId.ts"
import { asOrganization } from "../../base/database/RowScope.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { heldKey, masterKeyOf } from "../../base/keys/heldKey.ts"
import { MasterKey } from "../../base/keys/MasterKey.ts"
import { layer as dataKeysLayer } from "../../base/keys/PostgresDataKeys.ts"
import { makeEmbeddedPostgres } from "../../base/postgres/EmbeddedPostgres.ts"
import { ownerRole } from "../../base/postgres/initialise.ts"
import { RequestId } from "../../base/words/RequestId.ts"
import { type Caller, ClientAddress, CurrentCaller } from "../access/Caller.ts"
import { layer as organizations } from "../organizations/Organizations.ts"
import { Audit, type Happening, noting } from "./Audit.ts"
import { signDue } from "./checkpoints.ts"
import { exportLines } from "./exportLines.ts"
import { layer } from "./PostgresAudit.ts"

let dataDir = ""
const database = Layer.unwrapScoped(
  Effect.map(madeDataDir, (folder) => {
    dataDir = folder
    return databaseTest({ dataDir: folder })
  })
)
const masterKey = Layer.succeed(MasterKey, masterKeyOf(heldKey("the key of this test", randomBytes(32))))
const keysLayer = Layer.provide(dataKeysLayer, masterKey)
const services = Layer.mergeAll(keysLayer, organizations).pipe(Layer.provideMerge(database))
const runtime = ManagedRuntime.make(Layer.provideMerge(layer(), services))
beforeAll(() => runtime.runPromise(Effect.void), 60_000)
afterAll(() => runtime.dispose())

const test = <E>(
  name: string,
  effect: Effect.Effect<unknown, E, ManagedRuntime.ManagedRuntime.Context<typeof runtime>>
) => it(name, () => runtime.runPromise(effect), 30_000)

const ada = () => ({ id: UserId.make(newId("usr")), email: "ada@example.com", verified: true })
const callerIn = (organization: Caller["organization"], person = ada()): Caller => ({
  organization,
  roles: ["owner"],
  scopes: undefined,
  credential: { type: "session", id: SessionId.make(newId("ses")) },
  person
})
const deploy: Happening = { action: "apps.deploy", outcome: "succeeded", status: 202, subject: "shop/production" }

/** Appends as a request of the caller does. */
const append = (caller: Caller, happening: Partial<Happening> = {}) =>
  Effect.flatMap(Audit, (audit) => audit.append({ ...deploy, ...happening })).pipe(
    Effect.provideService(CurrentCaller, caller),
    Effect.provideService(ClientAddress, "192.0.2.7"),
    Effect.provideService(RequestId, "req-1"),
    asOrganization(caller.organization.id)
  )

const exported = (id: OrganizationId) =>
  Effect.flatMap(Audit, (audit) => Stream.runCollect(audit.export(id))).pipe(
    Effect.map((lines) => Chunk.toReadonlyArray(lines)),
    asOrganization(id)
  )
const verify = (lines: ReadonlyArray<string>, pins?: AuditPins) =>
  verifyAuditExport(Stream.fromIterable(lines.map((line) => `${line}\n`)), pins)
const verified = (id: OrganizationId, pins?: AuditPins) => Effect.flatMap(exported(id), (lines) => verify(lines, pins))
const entriesOf = (id: OrganizationId) => listEntries(id, { limit: 1000 }).pipe(asOrganization(id))

/** A connection of its own, as the owner of the tables, who is a superuser. */
const asOwner = (use: (client: pg.Client) => Promise<unknown>) =>
  Effect.tryPromise(async () => {
    const { password, socketFolder } = await makeEmbeddedPostgres(dataDir)
    const client = new pg.Client({ host: socketFolder, user: ownerRole, database: "maxcloud", password })
    await client.connect()
    try {
      return await use(client)
    } finally {
      await client.end()
    }
  })

const stateOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) && exit.cause._tag === "Fail" ? codeOf(exit.cause.error) : "nothing failed"
const codeOf = (error: unknown): unknown => {
  if (typeof error !== "object" || error === null) return undefined
  if ("code" in error) return error.code
  return "cause" in error ? codeOf(error.cause) : "error" in error ? codeOf(error.error) : undefined
}

describe("the audit log", () => {
  test(
    "records who did what, with which credential, from where, and notes it for the caller",
    Effect.gen(function* () {
      const caller = callerIn(yield* newOrganization)
      yield* append(caller)
      const { noted } = yield* Effect.flatMap(Audit, (audit) =>
        audit.append({ ...deploy, subject: "secret shop/ü-☃/KEY\u0000", after: "ab" })
      ).pipe(noting, Effect.provideService(CurrentCaller, caller))
      expect(noted).toBe(true)
      expect((yield* noting(entriesOf(caller.organization.id))).noted).toBe(false)
      const [second, first] = yield* entriesOf(caller.organization.id)
      expect(first).toMatchObject({
        sequence: 1,
        action: "apps.deploy",
        outcome: "succeeded",
        status: 202,
        subject: "shop/production",
        requestId: "req-1",
        actor: {
          type: "user",
          id: caller.person?.id ?? null,
          credentialId: caller.credential.type === "session" ? caller.credential.id : null,
          email: "ada@example.com",
          address: "192.0.2.7"
        }
      })
      expect(second).toMatchObject({
        sequence: 2,
        subject: "secret shop/ü-☃/KEY\u0000",
        afterDigest: "ab",
        requestId: null
      })
      const verification = yield* verified(caller.organization.id)
      expect(verification).toMatchObject({ ok: true, entries: 2 })
    })
  )

  test(
    "has a chain for each organization, and one for events outside of any",
    Effect.gen(function* () {
      const { append } = yield* Audit
      const sql = yield* SqlClient
      yield* append({ ...deploy, action: "auth.signIn", outcome: "refused", status: 401 }).pipe(
        Effect.provideService(ClientAddress, "198.51.100.1")
      )
      yield* append({ ...deploy, action: "server.erase", person: ada() })
      const lines = Chunk.toReadonlyArray(yield* Stream.runCollect(exportLines(yield* DataKeys, "server")))
      const verification = yield* verify(lines)
      expect(verification).toMatchObject({ ok: true, organization: "server" })
      expect(lines.at(-4) ?? "").toContain('"address":"198.51.100.1"')
      const rows =
        yield* sql`select actor_type from audit_entries where organization_id = 'server' order by sequence desc limit 2`
      expect(rows).toStrictEqual([{ actor_type: "user" }, { actor_type: "anonymous" }])
    })
  )

  test(
    "has no gaps and stays linked under 200 appends at once, by two servers, to three organizations",
    Effect.gen(function* () {
      const callers = yield* Effect.all([newOrganization, newOrganization, newOrganization]).pipe(
        Effect.map((all) => all.map((value) => callerIn(value)))
      )
      const sql = yield* SqlClient
      const other = Layer.fresh(layer()).pipe(Layer.provide(Layer.fresh(keysLayer)))
      const appends = (from: number) =>
        Effect.forEach(
          Array.from({ length: 100 }, (_, n) => from + n),
          (n) => append(callers[n % 3] ?? callerIn(callers[0]?.organization ?? expect.unreachable()), { status: n }),
          { concurrency: "unbounded", discard: true }
        )
      yield* Effect.all([appends(0), Effect.provide(appends(100), other)], { concurrency: 2 })
      let total = 0
      for (const { organization } of callers) {
        const verification = yield* verified(organization.id)
        expect(verification.ok, JSON.stringify(verification)).toBe(true)
        if (verification.ok) total += verification.entries
      }
      expect(total).toBe(200)
      const rows = yield* sql<{ statuses: string }>`
        select count(distinct status)::text as statuses from audit_entries
        where organization_id in ${sql.in(callers.map((caller) => caller.organization.id))}`
      expect(rows).toStrictEqual([{ statuses: "200" }])
    })
  )

  test(
    "keeps exactly what's committed with its writer, without a gap",
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const caller = callerIn(yield* newOrganization)
      const write = (fails: boolean) =>
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`update organizations set created_by = 'x' where id = ${caller.organization.id}`
            yield* append(caller)
            if (fails) yield* Effect.fail("changed my mind")
          })
        )
      yield* write(false)
      yield* Effect.exit(write(true))
      yield* write(false)
      const entries = yield* entriesOf(caller.organization.id)
      expect(entries.map((entry) => entry.sequence)).toStrictEqual([2, 1])
      expect((yield* verified(caller.organization.id)).ok).toBe(true)
    })
  )

  test(
    "fails the writer's transaction if it can't be appended to",
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const caller = callerIn(yield* newOrganization)
      const exit = yield* Effect.exit(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`update organizations set created_by = 'lost' where id = ${caller.organization.id}`
            yield* append(caller, { before: "x", status: 2 ** 40 })
          })
        )
      )
      expect(Exit.isFailure(exit)).toBe(true)
      const rows = yield* sql`select created_by from organizations where id = ${caller.organization.id}`
      expect(rows).toStrictEqual([{ created_by: null }])
    })
  )

  test(
    "forgets a person with the person's key, and still verifies",
    Effect.gen(function* () {
      const keys = yield* DataKeys
      const caller = callerIn(yield* newOrganization)
      const other = callerIn(caller.organization, { ...ada(), email: "bob@example.com" })
      yield* append(caller)
      yield* append(other)
      const pin = lastCheckpointIn((yield* exported(caller.organization.id)).join("\n"))
      yield* keys.erase({ type: "person", id: caller.person?.id ?? expect.unreachable() })
      const [bob, erased] = yield* entriesOf(caller.organization.id)
      expect(erased?.actor).toMatchObject({ email: null, address: null })
      expect(erased?.subject).toBe("shop/production")
      expect(bob?.actor.email).toBe("bob@example.com")
      const lines = yield* exported(caller.organization.id)
      expect(lines.join("\n")).not.toContain("ada@example.com")
      expect((yield* verify(lines, { checkpoint: pin })).ok).toBe(true)
      yield* keys.erase({ type: "organization", id: caller.organization.id })
      expect((yield* entriesOf(caller.organization.id))[0]).toMatchObject({ subject: null })
      expect((yield* verified(caller.organization.id, { checkpoint: pin })).ok).toBe(true)
    })
  )

  test(
    "can't be changed by the server's role, nor by the owner of the tables",
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const caller = callerIn(yield* newOrganization)
      yield* append(caller)
      yield* exported(caller.organization.id)
      const statements = [
        "update audit_entries set action = 'x'",
        "delete from audit_entries",
        "truncate audit_entries",
        "update audit_checkpoints set at = now()",
        "delete from audit_checkpoints",
        "truncate audit_checkpoints"
      ]
      for (const statement of [...statements, "delete from audit_heads", "truncate audit_heads"]) {
        expect(stateOf(yield* Effect.exit(sql.unsafe(statement))), statement).toBe("42501")
      }
      // The triggers would also refuse it, but the server's role must already lack the rights.
      const rights = yield* sql`
        select t.name, has_table_privilege(t.name, 'update') as changes, has_table_privilege(t.name, 'delete') as deletes,
          has_table_privilege(t.name, 'truncate') as truncates
        from unnest(array['audit_checkpoints', 'audit_entries', 'audit_heads']) t (name)`
      expect(rights).toStrictEqual([
        { name: "audit_checkpoints", changes: false, deletes: false, truncates: false },
        { name: "audit_entries", changes: false, deletes: false, truncates: false },
        { name: "audit_heads", changes: false, deletes: false, truncates: false }
      ])
      for (const statement of statements) {
        const exit = yield* Effect.exit(asOwner((client) => client.query(statement)))
        expect(stateOf(exit), `${statement} by the owner`).toBe("42501")
      }
      expect((yield* verified(caller.organization.id)).ok).toBe(true)
    })
  )

  test(
    "reveals by its verification what a superuser did",
    Effect.gen(function* () {
      const codes: Array<string> = []
      for (const statement of [
        "update audit_entries set action = 'apps.delete' where organization_id = $1 and sequence = 2",
        "update audit_entries set subject = set_byte(subject, 20, get_byte(subject, 20) # 1) where organization_id = $1 and sequence = 2",
        "delete from audit_entries where organization_id = $1 and sequence = 2",
        "delete from audit_entries where organization_id = $1 and sequence = 3",
        "update audit_entries set sequence = 9 - sequence where organization_id = $1 and sequence > 1",
        `with gone as (delete from audit_entries where organization_id = $1 and sequence = 3)
         update audit_heads h set sequence = 2, hash = e.hash from audit_entries e
         where h.organization_id = $1 and e.organization_id = $1 and e.sequence = 2`
      ]) {
        const caller = callerIn(yield* newOrganization)
        yield* Effect.forEach([1, 2, 3], () => append(caller))
        expect((yield* verified(caller.organization.id)).ok).toBe(true)
        yield* asOwner(async (client) => {
          await client.query("set session_replication_role = replica")
          const { rowCount } = await client.query(statement, [caller.organization.id])
          expect(rowCount ?? 0).toBeGreaterThan(0)
        })
        const verification = yield* verified(caller.organization.id)
        codes.push(verification.ok ? "nothing" : verification.fault.code)
      }
      expect(codes).toStrictEqual(["HashMismatch", "HashMismatch", "OutOfOrder", "Truncated", "Truncated", "Truncated"])
    })
  )

  test(
    "is signed at every 256th entry, and at its newest after an hour, once by any server",
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const keys = yield* DataKeys
      const caller = callerIn(yield* newOrganization)
      const { id } = caller.organization
      yield* sql.withTransaction(Effect.forEach(Array.from({ length: 520 }), () => append(caller), { discard: true }))
      const signed = Effect.map(
        sql<{
          sequence: string
        }>`select sequence from audit_checkpoints where organization_id = ${id} order by sequence`,
        (rows) => rows.map((row) => Number(row.sequence))
      )
      yield* Effect.all([signDue(keys), signDue(keys)], { concurrency: 2 })
      expect(yield* signed).toStrictEqual([256, 512])
      expect((yield* verified(id)).ok).toBe(true)

      const quiet = callerIn(yield* newOrganization)
      yield* append(quiet)
      yield* signDue(keys)
      const ofQuiet = sql`select 1 from audit_checkpoints where organization_id = ${quiet.organization.id}`
      expect(yield* ofQuiet).toHaveLength(0)
      yield* asOwner(async (client) => {
        await client.query("set session_replication_role = replica")
        await client.query(
          `with aged as (
             update audit_entries e set at = at - interval '2 hours',
               hash = audit_hash((e.organization_id, e.sequence, e.at - interval '2 hours', e.action, e.outcome, e.status,
                 e.actor_type, e.actor_id, e.credential_id, e.person_id, e.request_id, e.before_digest, e.after_digest,
                 e.personal_key_id, e.personal, e.personal_digest, e.subject_key_id, e.subject, e.subject_digest,
                 e.previous_hash, e.hash))
             where organization_id = $1 returning organization_id, hash
           ) update audit_heads h set hash = aged.hash from aged where aged.organization_id = h.organization_id`,
          [quiet.organization.id]
        )
      })
      yield* signDue(keys)
      expect(yield* ofQuiet).toHaveLength(1)
      yield* signDue(keys)
      expect(yield* ofQuiet).toHaveLength(1)
    })
  )

  test(
    "lists by pages and by action",
    Effect.gen(function* () {
      const caller = callerIn(yield* newOrganization)
      const { id } = caller.organization
      yield* Effect.forEach(["a", "b", "a"], (action) => append(caller, { action }))
      const { page } = yield* Audit
      const numbers = ({
        action,
        before,
        since,
        ...asked
      }: Parameters<typeof AuditList.pagingOf>[0] & Parameters<typeof page>[1]) =>
        page(id, { action, before, since }, AuditList.pagingOf(asked)).pipe(
          asOrganization(id),
          Effect.map(({ items, next }) => ({ numbers: items.map(({ sequence }) => sequence), next }))
        )
      const first = yield* numbers({ limit: 2 })
      expect(first.numbers).toStrictEqual([3, 2])
      expect(yield* numbers({ limit: 2, cursor: first.next ?? undefined })).toStrictEqual({
        numbers: [1],
        next: null
      })
      expect(yield* numbers({ limit: 2, before: 2 })).toStrictEqual({ numbers: [1], next: null })
      expect(yield* numbers({ limit: 9, action: "a" })).toStrictEqual({ numbers: [3, 1], next: null })
      expect(yield* numbers({ limit: 9, since: 0 })).toStrictEqual({ numbers: [3, 2, 1], next: null })
      expect(yield* numbers({ limit: 9, since: Date.now() + 60_000 })).toStrictEqual({ numbers: [], next: null })
      expect(yield* numbers({ limit: 9, sort: "sequence" })).toStrictEqual({ numbers: [1, 2, 3], next: null })
    })
  )

  test(
    "exports an organization without entries",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      expect(yield* verified(id)).toMatchObject({ ok: true, entries: 0 })
      expect(Option.isSome(yield* Stream.runHead(Stream.fromIterable(yield* exported(id))))).toBe(true)
    })
  )

  test(
    "gives another organization nothing of this one's chain, and signs nothing",
    Effect.gen(function* () {
      const caller = callerIn(yield* newOrganization)
      const stranger = yield* newOrganization
      yield* append(caller)
      const { id } = caller.organization
      const audit = yield* Audit
      expect(yield* asOrganization(stranger.id)(listEntries(id, { limit: 9 }))).toStrictEqual([])
      const lines = yield* asOrganization(stranger.id)(Stream.runCollect(audit.export(id)))
      expect(Chunk.toReadonlyArray(lines).map((line) => Object.keys(JSON.parse(line))[0])).toStrictEqual([
        "format",
        "checkpoint",
        "end"
      ])
      const sql = yield* SqlClient
      expect(yield* sql`select 1 from audit_checkpoints where organization_id = ${id}`).toStrictEqual([])
      expect((yield* entriesOf(id)).length).toBe(1)
    })
  )
})
