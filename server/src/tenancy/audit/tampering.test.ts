import { readFileSync } from "node:fs"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { canonicalJson, type OrganizationId } from "@maxcloud/sdk/api"
import { type AuditPins, verifyAuditExport } from "@maxcloud/sdk/effect"
import { Effect, Layer, Logger, ManagedRuntime, Scope, Stream } from "effect"
import pg from "pg"
import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { newOrganization } from "../../../test/deployments/testServer.ts"
import { listEntries } from "../../../test/wholeLists.ts"
import { asOrganization, asServer } from "../../base/database/RowScope.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { layer as keys } from "../../base/keys/layer.ts"
import { signingKeyOf } from "../../base/keys/signingKey.ts"
import { stateOf } from "../../base/postgres/sqlState.ts"
import { operator } from "../../operator/commands/commands.ts"
import { layer as organizations } from "../organizations/Organizations.ts"
import { Audit } from "./Audit.ts"
import { signDue } from "./checkpoints.ts"
import { layer } from "./PostgresAudit.ts"

const scope = Effect.runSync(Scope.make())
const dataDir = Effect.runSync(Scope.extend(madeDataDir, scope))
const logged: Array<string> = []
const runtime = ManagedRuntime.make(
  layer().pipe(
    Layer.provideMerge(Layer.mergeAll(keys({ dataDir }), organizations)),
    Layer.provideMerge(databaseTest({ dataDir })),
    Layer.provideMerge(
      Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ message }) => {
          logged.push(String(message))
        })
      )
    )
  )
)
type Services = ManagedRuntime.ManagedRuntime.Context<typeof runtime>
const run = <A, E>(effect: Effect.Effect<A, E, Services>) => runtime.runPromise(effect)
beforeAll(() => run(Effect.void), 60_000)
afterAll(async () => {
  await runtime.dispose()
  await Effect.runPromise(Scope.close(scope, await Effect.runPromiseExit(Effect.void)))
})

const by = async <A>(role: "maxcloud" | "maxcloud_owner", use: (client: pg.Client) => Promise<A>) => {
  const password = readFileSync(join(dataDir, "postgres.password"), "utf8").trim()
  const client = new pg.Client({ host: join(dataDir, "postgres"), user: role, database: "maxcloud", password })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
/** The number of affected rows, or the SQLSTATE of the refusal. */
const outcome = (client: pg.Client, text: string, values: ReadonlyArray<unknown> = []) =>
  client.query(text, [...values]).then(
    ({ rowCount }) => rowCount,
    (error: unknown) => stateOf(error)
  )

const happening = { action: "apps.deploy", outcome: "succeeded", status: 202, subject: "shop/production" } as const
const append = (id: OrganizationId) =>
  asOrganization(id)(Effect.flatMap(Audit, (audit) => audit.append({ ...happening, organizationId: id })))
/** An organization with three entries. */
const log = Effect.gen(function* () {
  const { id } = yield* newOrganization
  yield* Effect.forEach([1, 2, 3], () => append(id))
  return id
})
const verified = (id: OrganizationId, pins: AuditPins = {}) =>
  Effect.flatMap(Audit, ({ export: lines }) =>
    verifyAuditExport(
      Stream.map(asRowsOf(id)(lines(id, { keepCheckpoint: false })), (asRows) => `${asRows}\n`),
      pins
    )
  )
const asRowsOf =
  (id: OrganizationId) =>
  <A, E, R>(stream: Stream.Stream<A, E, R>) =>
    Stream.unwrap(Effect.map(asOrganization(id)(Effect.void), () => stream))
const headOf = (id: string) =>
  by("maxcloud_owner", (client) =>
    client
      .query("select sequence::int, encode(hash, 'hex') as hash from audit_heads where organization_id = $1", [id])
      .then(({ rows }) => rows[0])
  )
const checkpointsOf = (id: string) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{ sequence: number }>`
      select sequence::int from audit_checkpoints where organization_id = ${id} order by sequence`
  ).pipe(Effect.map((rows) => rows.map((row) => row.sequence)))

const call = (chain: string, rest = "") =>
  `select public.audit_append('${chain}', 'apps.deploy', 'succeeded', 202, 'user', null, null, null, null, null, null, null, null,
     null, null, null, null${rest})`
const entry = (id: string, sequence: number, hash: string) =>
  `insert into audit_entries (organization_id, sequence, at, action, outcome, status, actor_type, previous_hash, hash)
   values ('${id}', ${sequence}, now(), 'forged', 'succeeded', 200, 'user', '\\x${"00".repeat(32)}', '\\x${hash}')`

describe("the server's own role", () => {
  it("can't change heads or entries in any way except by appending", async () => {
    const [id, other] = await run(Effect.all([log, log]))
    const before = await headOf(id)
    const attempts = [
      `update audit_heads set sequence = 1`,
      `update audit_heads set hash = '\\x00' where organization_id = '${id}'`,
      `insert into audit_heads (organization_id, sequence, hash) values ('forged', 0, decode(repeat('00', 32), 'hex'))`,
      `insert into audit_heads values ('${id}', 1, '\\x00') on conflict (organization_id) do update set sequence = 1`,
      `merge into audit_heads h using (select 1) one on h.organization_id = '${id}' when matched then update set sequence = 1`,
      "select * from audit_heads for update",
      "delete from audit_heads",
      "truncate audit_heads",
      "truncate audit_entries cascade",
      "delete from audit_entries",
      "update audit_entries set action = 'x'",
      entry(id, 4, "00".repeat(32)),
      `copy audit_entries from stdin`,
      "update audit_checkpoints set at = now()",
      "delete from audit_checkpoints",
      "truncate audit_checkpoints",
      `insert into audit_checkpoints values ('${id}', 2, '\\x00', now(), 'k', '\\x00')`,
      `insert into audit_checkpoints values ('${id}', 9, '\\x00', now(), 'k', '\\x00')`,
      "alter table audit_heads disable trigger all",
      "alter table audit_heads disable row level security",
      "alter table audit_heads rename to audit_heads_before",
      "drop table audit_heads",
      "drop trigger audit_heads_fit on audit_heads",
      "create trigger mine before insert on audit_entries for each row execute function audit_is_append_only()",
      "create rule mine as on insert to audit_entries do instead nothing",
      "drop policy audit_heads_organization on audit_heads",
      "create or replace function public.audit_hash(entry audit_entries) returns bytea language sql as $$ select '\\x00'::bytea $$",
      "drop function public.audit_append",
      "alter function public.audit_append set search_path = pg_temp",
      "set session_replication_role = replica",
      "set role maxcloud_owner",
      "set session authorization maxcloud_owner",
      "create schema mine",
      "create function public.mine() returns int language sql as 'select 1'",
      "create table public.mine (id int)",
      "select lo_import('/etc/passwd')",
      "copy (select 1) to program 'true'"
    ]
    await by("maxcloud", async (client) => {
      // As the server's own work, and as an organization's.
      for (const setting of ["maxcloud.all_rows = on", `maxcloud.organization = '${id}'`]) {
        await client.query(`set ${setting}`)
        // Postgres only warns about this one. It must grant nothing.
        await client.query("grant update on audit_heads to maxcloud")
        for (const text of attempts)
          expect([text, await outcome(client, text)]).toEqual([text, expect.stringMatching(/^(42|0A|2B)/)])
      }
    })
    expect(await headOf(id)).toEqual(before)
    for (const _ of [id, other]) expect(await run(verified(_))).toMatchObject({ ok: true, entries: 3 })
  })

  it("appends only to its connection's log, and can't choose number, time or hash", async () => {
    const [id, other] = await run(Effect.all([log, log]))
    await by("maxcloud", async (client) => {
      expect(await outcome(client, call(id))).toBe("42501")
      await client.query(`set maxcloud.organization = '${id}'`)
      expect(await outcome(client, call(other))).toBe("42501")
      expect(await outcome(client, call("server"))).toBe("42501")
      // It has no parameter for a number, a time or a hash.
      expect(await outcome(client, call(id, ", 7"))).toBe("42883")
      expect(await outcome(client, `select public.audit_append(chain => '${id}', sequence => 7)`)).toBe("42883")
      expect(await outcome(client, call(id))).toBe(1)
    })
    expect(await run(verified(id))).toMatchObject({ ok: true, entries: 4 })
    expect(await run(verified(other))).toMatchObject({ ok: true, entries: 3 })
  })

  it("can't shadow anything with temporary tables, functions or its own search path", async () => {
    const id = await run(log)
    await by("maxcloud", async (client) => {
      await client.query(`set maxcloud.organization = '${id}'`)
      for (const text of [
        "create temp table audit_heads (organization_id text primary key, sequence bigint not null, hash bytea not null)",
        "create temp table audit_entries (like public.audit_entries)",
        `insert into pg_temp.audit_heads values ('${id}', 700, '\\x00')`,
        "create function pg_temp.sha256(bytea) returns bytea language sql as $$ select '\\x00'::bytea $$",
        "create function pg_temp.audit_hash(public.audit_entries) returns bytea language sql as $$ select '\\x00'::bytea $$",
        "create function pg_temp.to_json(text) returns json language sql as $$ select '1'::json $$",
        "create function pg_temp.clock_timestamp() returns timestamptz language sql as $$ select '2001-01-01Z'::timestamptz $$",
        "set search_path = pg_temp, public, pg_catalog"
      ]) {
        await client.query(text)
      }
      expect(await outcome(client, call(id))).toBe(1)
      expect((await client.query("select count(*)::int as rows from pg_temp.audit_entries")).rows).toEqual([
        { rows: 0 }
      ])
    })
    expect(await headOf(id)).toMatchObject({ sequence: 4 })
    expect(await run(verified(id))).toMatchObject({ ok: true, entries: 4 })
  })
})

/** A superuser's statement with the triggers switched off. */
const tamper = (text: string, id: string) =>
  by("maxcloud_owner", async (client) => {
    await client.query("set session_replication_role = replica")
    const { rowCount } = await client.query(text, [id])
    expect(rowCount).toBeGreaterThan(0)
  })

describe("a head that was tampered with", () => {
  it.each([
    ["set back", "update audit_heads set sequence = 1 where organization_id = $1"],
    ["set forward", "update audit_heads set sequence = 9 where organization_id = $1"],
    ["given another hash", "update audit_heads set hash = decode(repeat('ab', 32), 'hex') where organization_id = $1"],
    [
      "set back to an entry that was there",
      `update audit_heads h set sequence = 2, hash = e.hash from audit_entries e
       where h.organization_id = $1 and e.organization_id = $1 and e.sequence = 2`
    ],
    ["removed", "delete from audit_heads where organization_id = $1"]
  ])("%s stops appending with instructions, signs nothing, and can be repaired", async (_, text) => {
    const id = await run(log)
    const before = await headOf(id)
    await tamper(text, id)

    logged.length = 0
    expect(await run(Effect.isFailure(append(id)))).toBe(true)
    expect(logged.join("\n")).toContain(`Run "maxcloud server audit repair ${id}"`)
    logged.length = 0
    await run(Effect.flatMap(Audit, ({ export: lines }) => Stream.runDrain(lines(id))))
    await run(Effect.flatMap(DataKeys, signDue))
    expect(await run(checkpointsOf(id))).toEqual([])

    const repaired = await operator.repairAudit({ dataDir, log: id })
    expect(repaired).toMatchObject({ ok: true, value: { log: id, entries: 3 } })
    const found = await run(listEntries(id, { limit: 9 }))
    expect(found[0]).toMatchObject({ sequence: 4, action: "server.repairAudit", actor: { type: "server" } })
    expect(found[0]?.subject).toContain(`now 3 ${before.hash}`)
    await run(append(id))
    expect(await run(verified(id))).toMatchObject({ ok: true, entries: 5 })
    expect(await operator.repairAudit({ dataDir, log: id })).toMatchObject({
      ok: true,
      value: { former: null, entries: 5 }
    })
  })

  it("isn't repaired if the entries don't fit either, and nothing changes", async () => {
    for (const text of [
      "update audit_entries set action = 'apps.delete' where organization_id = $1 and sequence = 2",
      "delete from audit_entries where organization_id = $1 and sequence = 2",
      "delete from audit_entries where organization_id = $1 and sequence = 3"
    ]) {
      const id = await run(log)
      // Its end is signed.
      await run(Effect.flatMap(Audit, ({ export: lines }) => Stream.runDrain(lines(id))))
      await tamper(text, id)
      await tamper("update audit_heads set sequence = 1 where organization_id = $1", id)
      const before = await headOf(id)
      expect(await operator.repairAudit({ dataDir, log: id })).toMatchObject({
        ok: false,
        reason: "audit",
        message: expect.stringContaining("restore the entries from a backup")
      })
      expect(await headOf(id)).toEqual(before)
    }
  })
})

describe("checkpoints", () => {
  it("are signed only after the entries since the last one were read, and fit", async () => {
    const sql = await run(SqlClient)
    const long = async () => {
      const id = await run(log)
      await run(sql.unsafe(`select count(${call(id).slice(7)}) from generate_series(1, 300)`))
      return id
    }
    const [fits, changed, moved, headless] = [await long(), await long(), await long(), await long()]
    await tamper("update audit_entries set status = 500 where organization_id = $1 and sequence = 200", changed)
    await tamper(
      "update audit_heads set sequence = 256, hash = decode(repeat('00', 32), 'hex') where organization_id = $1",
      headless
    )
    await tamper("delete from audit_entries where organization_id = $1 and sequence = 10", moved)
    logged.length = 0
    await run(Effect.flatMap(DataKeys, signDue))
    expect(await run(checkpointsOf(fits))).toEqual([256])
    for (const id of [changed, moved, headless]) {
      expect(await run(checkpointsOf(id))).toEqual([])
      expect(logged.filter((text) => text.includes(`maxcloud server audit repair ${id}`))).toHaveLength(1)
    }
    expect(logged.join("\n")).toContain("at entry 200")
    expect(logged.join("\n")).toContain("at entry 10")
  })

  it("don't hide the entries before them if they have another key", async () => {
    const id = await run(log)
    const sql = await run(SqlClient)
    await run(sql.unsafe(`select count(${call(id).slice(7)}) from generate_series(1, 400)`))
    // The server's role may add a checkpoint of an existing entry, with any signature.
    await run(sql`
      insert into audit_checkpoints select organization_id, sequence, hash, now(), 'forged', decode('00', 'hex')
      from audit_entries where organization_id = ${id} and sequence = 255`)
    await tamper("update audit_entries set status = 500 where organization_id = $1 and sequence = 7", id)
    await run(Effect.flatMap(DataKeys, signDue))
    expect(await run(checkpointsOf(id))).toEqual([255])
  })

  it("that the server hasn't signed are left out of exports, reported, and removed by a repair", async () => {
    const [id, seed] = [await run(log), Buffer.alloc(32, 7)]
    const mine = signingKeyOf(seed)
    await run(Effect.flatMap(Audit, ({ export: lines }) => Stream.runDrain(asRowsOf(id)(lines(id)))))
    await run(Effect.forEach(Array.from({ length: 6 }), () => append(id)))
    const present = await run(Effect.flatMap(DataKeys, (dataKeys) => asServer(dataKeys.signingKey)))
    await by("maxcloud", async (client) => {
      await client.query("set maxcloud.all_rows = on")
      // Somebody's own key, which the master key hasn't wrapped.
      await client.query(
        `insert into server_keys (id, purpose, master_key_id, wrapped, public_key, retired_at)
         select 'dk_mine_${id}', purpose, master_key_id, wrapped, $1, now() from server_keys where purpose = 'signing' limit 1`,
        [mine.publicKey]
      )
      const forge = (sequence: number, at: string, keyId: string, signature: Uint8Array) =>
        client.query(
          `insert into audit_checkpoints select organization_id, sequence, hash, $3, $4, $5 from audit_entries
           where organization_id = $1 and sequence = $2`,
          [id, sequence, at, keyId, signature]
        )
      await forge(4, "2026-11-24T12:00:00Z", "nokey", Buffer.from([0]))
      await forge(5, "infinity", present.id, Buffer.alloc(64))
      await forge(6, "2026-11-24T12:00:00Z", present.id, Buffer.alloc(64))
      await forge(7, "2026-11-24T12:00:00Z", "x".repeat(100_000), Buffer.alloc(64))
      const { rows } = await client.query(
        "select encode(hash, 'hex') as hash from audit_entries where organization_id = $1 and sequence = 9",
        [id]
      )
      const at = "2026-11-24T12:00:00.000Z"
      const checkpoint = {
        type: "maxcloud-audit-checkpoint",
        version: 1,
        organization: id,
        sequence: 9,
        hash: rows[0].hash,
        at,
        keyId: `dk_mine_${id}`
      }
      await forge(9, at, `dk_mine_${id}`, mine.sign(Buffer.from(canonicalJson(checkpoint))))
    })
    const pins = { publicKeys: [present.publicKey] }
    logged.length = 0
    expect(await run(verified(id, pins))).toMatchObject({ ok: true, entries: 9, checkpoints: 2, leftOut: 5 })
    expect(logged.join("\n")).toContain("of entries 4, 5, 6, 7, 9")
    expect(await operator.repairAudit({ dataDir, log: id })).toMatchObject({
      ok: true,
      value: { former: null, entries: 9, removedCheckpoints: [4, 5, 6, 7, 9] }
    })
    expect(await run(checkpointsOf(id))).toEqual([3])
    const [told] = await run(asOrganization(id)(listEntries(id, { limit: 1 })))
    expect(told).toMatchObject({ sequence: 10, action: "server.repairAudit", actor: { type: "server" } })
    expect(told?.subject).toContain("removed by the operator: 4, 5, 6, 7, 9")
    expect(await run(verified(id, pins))).toMatchObject({ ok: true, entries: 10, leftOut: 0 })
    expect(await operator.repairAudit({ dataDir, log: id })).toMatchObject({
      ok: true,
      value: { removedCheckpoints: [] }
    })
    await by("maxcloud_owner", async (client) =>
      expect(await outcome(client, "delete from audit_checkpoints")).toBe("42501")
    )
  })

  it("that can't be read don't stop the signing of logs", async () => {
    const id = await run(log)
    const sql = await run(SqlClient)
    await run(sql.unsafe(`select count(${call(id).slice(7)}) from generate_series(1, 300)`))
    await run(sql`
      insert into audit_checkpoints select organization_id, sequence, hash, 'infinity', 'forged', decode('00', 'hex')
      from audit_entries where organization_id = ${id} and sequence = 255`)
    await run(Effect.flatMap(DataKeys, signDue))
    expect(await run(checkpointsOf(id))).toEqual([255, 256])
  })

  it("that the server has signed are never left out, so rewritten entries behind one are found", async () => {
    const id = await run(log)
    await run(Effect.flatMap(Audit, ({ export: lines }) => Stream.runDrain(asRowsOf(id)(lines(id)))))
    await tamper("delete from audit_entries where organization_id = $1 and sequence = 3", id)
    await tamper(
      `update audit_heads h set sequence = 2, hash = e.hash from audit_entries e
       where h.organization_id = $1 and e.organization_id = $1 and e.sequence = 2`,
      id
    )
    expect(await run(verified(id))).toMatchObject({ ok: false, fault: { code: "Truncated" } })
    // With other entries, whose chain fits.
    await run(append(id))
    expect(await run(verified(id))).toMatchObject({ ok: false, fault: { code: "CheckpointMismatch", sequence: 3 } })
    expect(await operator.repairAudit({ dataDir, log: id })).toMatchObject({ ok: false, reason: "audit" })
    expect(await run(checkpointsOf(id))).toEqual([3])
  })
})
