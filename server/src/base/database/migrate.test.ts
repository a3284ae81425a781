import { readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, ManagedRuntime, Scope } from "effect"
import pg from "pg"
import { temporaryDataDir } from "../../../test/database/layerTest.ts"
import { layer } from "./Database.ts"
import { migrate } from "./migrate.ts"
import { migrations } from "./migrations/index.ts"

const scope = Effect.runSync(Scope.make())
const dataDir = Effect.runSync(Scope.extend(temporaryDataDir, scope))
const runtime = ManagedRuntime.make(layer({ dataDir }))

const connect = async (user: string, database: string) => {
  const client = new pg.Client({
    host: join(dataDir, "postgres"),
    port: 5432,
    user,
    database,
    password: readFileSync(join(dataDir, "postgres.password"), "utf8").trim()
  })
  await client.connect()
  return client
}

/** The owner's connection to a database of its own. */
const emptyDatabase = async (name: string) => {
  const client = await connect("maxcloud_owner", "postgres")
  await client.query(`create database ${name}`)
  await client.end()
  return connect("maxcloud_owner", name)
}

beforeAll(() => runtime.runPromise(Effect.void))
afterAll(async () => {
  await runtime.dispose()
  await Effect.runPromise(Scope.close(scope, await Effect.runPromiseExit(Effect.void)))
})

/** A server of the previous version: its statements, on a connection that doesn't set up row security. */
const olderServer = async (database: string, n: number, stopped: () => boolean) => {
  const client = await connect("maxcloud", database)
  const organization = `org${n}`
  let accepted = 0
  let longestMs = 0
  await client.query("insert into organizations (id, name) values ($1, $1)", [organization])
  while (!stopped()) {
    const id = `dep_${accepted}`
    const began = Date.now()
    await client.query("begin")
    // Odd ones take the tables in the opposite order.
    const inOrder = [
      () =>
        client.query(
          `insert into app_stages (organization_id, app, stage, last_number) values ($1, 'shop', 'dev', 1)
           on conflict (organization_id, app, stage) do update set last_number = app_stages.last_number + 1`,
          [organization]
        ),
      () =>
        client.query(
          `insert into secrets (organization_id, app, stage, name, version) values ($1, 'shop', 'dev', $2, 1)`,
          [organization, id]
        ),
      () =>
        client.query(
          `insert into work_items (organization_id, key) values ($1, 'shop/dev')
           on conflict (organization_id, key) do update set version = work_items.version + 1`,
          [organization]
        )
    ]
    for (const statement of n % 2 === 0 ? inOrder : inOrder.toReversed()) await statement()
    await client.query(
      `insert into deployments (id, organization_id, app, stage, number, state, reason, message, spec, secret_versions, warnings)
       select $2, $1, 'shop', 'dev', last_number, 'queued', 'Queued', '', '{}', '{}', '[]' from app_stages
       where organization_id = $1`,
      [organization, id]
    )
    await client.query("commit")
    accepted++
    const { rows } = await client.query("select 1 from deployments where organization_id = $1 and id = $2", [
      organization,
      id
    ])
    expect(rows.length).toBe(1)
    longestMs = Math.max(longestMs, Date.now() - began)
  }
  await client.end()
  return { accepted, longestMs, organization }
}

describe("migrations", () => {
  it("are applied beside servers of the previous version, without errors or losses for them", async () => {
    const owner = await emptyDatabase("beside")
    await Effect.runPromise(migrate(owner, "maxcloud", migrations.slice(0, 2)))
    let stop = false
    const servers = Promise.all(Array.from({ length: 3 }, (_, n) => olderServer("beside", n, () => stop)))
    // A transaction that stays open for longer than one attempt of a migration.
    const idle = await connect("maxcloud", "beside")
    await idle.query("begin")
    await idle.query("select 1 from runtime_objects")
    // Later migrations don't support servers without row security, which see no rows from then on.
    const forOlder = migrations.slice(0, 7)
    const migrated = Effect.runPromise(migrate(owner, "maxcloud", forOlder))
    await sleep(1_500)
    await idle.query("commit")
    await migrated
    await sleep(300)
    stop = true
    const all = await servers
    for (const { accepted, longestMs, organization } of all) {
      const { rowCount } = await owner.query("select 1 from deployments where organization_id = $1", [organization])
      expect(rowCount).toBe(accepted)
      expect(longestMs).toBeLessThan(5_000)
    }
    expect((await owner.query("select id from migrations order by id")).rows.map((row) => row.id)).toEqual(
      forOlder.map((each) => each.id)
    )
    await idle.end()
    await owner.end()
  })

  it("leave nothing behind if they fail, and are retried by the next start", async () => {
    const owner = await emptyDatabase("failing")
    const newest = migrations.at(-1)?.id ?? 0
    const broken = { id: newest + 1, name: "broken", sql: "create table half (id text); select 1 / 0" }
    const error = await Effect.runPromise(Effect.flip(migrate(owner, "maxcloud", [...migrations, broken])))
    expect(error.message).toContain("division by zero")
    expect((await owner.query("select to_regclass('half') as half")).rows).toEqual([{ half: null }])
    expect((await owner.query("select max(id) from migrations")).rows).toEqual([{ max: newest }])
    await Effect.runPromise(
      migrate(owner, "maxcloud", [...migrations, { ...broken, sql: "create table half (id text)" }])
    )
    await owner.end()
  })

  it("grant a new role its rights, even if no migration is pending, but no right to change the audit log", async () => {
    const owner = await emptyDatabase("rights")
    await Effect.runPromise(migrate(owner, "maxcloud"))
    await owner.query("create role newcomer login password 'newcomer'")
    await Effect.runPromise(migrate(owner, "newcomer"))
    const { rows } = await owner.query(
      `select has_table_privilege('newcomer', 'deployments', 'insert') as insert,
         has_table_privilege('newcomer', 'migrations', 'select') as migrations,
         has_function_privilege('newcomer', to_regproc('audit_append'), 'execute') as append,
         has_table_privilege('newcomer', 'audit_entries', 'insert') or has_table_privilege('newcomer', 'audit_heads', 'insert, update')
           or has_table_privilege('newcomer', 'audit_entries', 'update') or has_table_privilege('newcomer', 'audit_entries', 'delete')
           or has_table_privilege('newcomer', 'audit_entries', 'truncate') as change`
    )
    expect(rows).toEqual([{ insert: true, migrations: false, append: true, change: false }])
    // A table of the next version is this server's too.
    await owner.query("create table later (id text)")
    expect((await owner.query("select has_table_privilege('newcomer', 'later', 'insert') as insert")).rows).toEqual([
      { insert: true }
    ])
    await owner.end()
  })
})

it("remembers the namespaces that apps shared, and lets two apps have a service of the same name", async () => {
  const client = await emptyDatabase("shared_namespaces")
  const before = migrations.filter((each) => each.id < 17)
  const after = migrations.filter((each) => each.id >= 17)
  for (const migration of before) await client.query(migration.sql)
  await client.query("select set_config('maxcloud.all_rows', 'on', false)")
  await client.query("insert into organizations (id, name) values ('org_1', 'acme')")
  const stage = (app: string, name: string, inventory: string) =>
    client.query("insert into app_stages (organization_id, app, stage, inventory) values ('org_1', $1, $2, $3)", [
      app,
      name,
      inventory
    ])
  await stage("shop", "production", '[{"kind":"Service"}]')
  await stage("shop", "dev", '[{"kind":"Service"}]')
  await stage("blog", "production", "[]")
  const service = (id: string, app: string) =>
    client.query(
      `insert into services (id, organization_id, app, stage, name, spec, secret_versions, deployment_number)
       values ($1, 'org_1', $2, 'production', 'web', '{}', '{}', 1)`,
      [id, app]
    )
  await service("svc_1", "shop")
  await expect(service("svc_2", "blog")).rejects.toThrow("duplicate key")
  await client.query(
    `insert into drift (organization_id, app, stage, api_version, kind, name, change, noticed_at)
     values ('org_1', null, 'dev', 'v1', 'Namespace', 'acme', 'edited', now())`
  )
  await client.query("select set_config('maxcloud.all_rows', 'off', false)")
  for (const migration of after) {
    await client.query("begin")
    await client.query(migration.sql)
    await client.query("commit")
  }
  await client.query("select set_config('maxcloud.all_rows', 'on', false)")
  const { rows } = await client.query("select app, stage, former_namespace from app_stages order by app, stage")
  expect(rows).toEqual([
    { app: "blog", stage: "production", former_namespace: null },
    { app: "shop", stage: "dev", former_namespace: "dev--acme" },
    { app: "shop", stage: "production", former_namespace: "acme" }
  ])
  expect((await client.query("select from drift")).rowCount).toBe(0)
  await service("svc_2", "blog")
  await expect(service("svc_3", "blog")).rejects.toThrow("duplicate key")
  await client.end()
})

it("keeps the secrets of webhooks, and lets none get what occurred before it was added", async () => {
  const client = await emptyDatabase("webhook_secrets")
  for (const migration of migrations.filter((each) => each.id < 26)) await client.query(migration.sql)
  await client.query("select set_config('maxcloud.all_rows', 'on', false)")
  await client.query("insert into organizations (id, name) values ('org_1', 'acme')")
  const webhook = (id: string, former: string | null, until: string, disabled: string | null) =>
    client.query(
      `insert into webhooks (organization_id, id, url, types, description, secret_by, secret, former_by, former, former_until,
         disabled_because, created_at)
       values ('org_1', $1, 'https://example.com/', '["*"]', '', 'key_2', 'new', $2, 'old', now() + $3::interval, $4, '2026-01-01')`,
      [id, former, until, disabled]
    )
  await webhook("whk_1", "key_1", "1 hour", null)
  await webhook("whk_2", "key_1", "-1 hour", "failing")
  await webhook("whk_3", null, "1 hour", null)
  await client.query("select set_config('maxcloud.all_rows', 'off', false)")
  for (const migration of migrations.filter((each) => each.id >= 26)) {
    await client.query("begin")
    await client.query(migration.sql)
    await client.query("commit")
  }
  await client.query("select set_config('maxcloud.all_rows', 'on', false)")
  const secrets = await client.query(
    `select webhook_id, key_id, encode(sealed, 'escape') as sealed, valid_until is null as current from webhook_secrets
     order by webhook_id, id desc`
  )
  expect(new Set(secrets.rows.map((row) => Object.values(row).join(" ")))).toEqual(
    new Set(["whk_1 key_2 new true", "whk_1 key_1 old false", "whk_2 key_2 new true", "whk_3 key_2 new true"])
  )
  const times = await client.query(
    "select receives_from = created_at as from_creation, disabled_at = created_at as disabled from webhooks order by id"
  )
  expect(times.rows).toEqual([
    { from_creation: true, disabled: null },
    { from_creation: true, disabled: true },
    { from_creation: true, disabled: null }
  ])
  await client.end()
})
