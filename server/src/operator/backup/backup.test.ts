import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { SecretName, StageName } from "@maxcloud/config-schema"
import { verifyAuditExport } from "@maxcloud/sdk/effect"
import { Chunk, Effect, Layer, ManagedRuntime, Option, Redacted, Scope, Stream } from "effect"
import fc from "fast-check"
import pg from "pg"
import { databaseTest, temporaryDataDir } from "../../../test/database/layerTest.ts"
import { newOrganization, shop } from "../../../test/deployments/testServer.ts"
import { layer as keys } from "../../base/keys/layer.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { layer as secrets } from "../../stores/secrets/SealedSecrets.ts"
import { Secrets } from "../../stores/secrets/Secrets.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { layer as audit } from "../../tenancy/audit/PostgresAudit.ts"
import { layer as organizations } from "../../tenancy/organizations/Organizations.ts"
import { ByteReader } from "./ByteReader.ts"
import { backupServer, restoreServer } from "./commands.ts"
import { open, seal } from "./sealedStream.ts"
import { tablesOf } from "./tables.ts"

const scope = Effect.runSync(Scope.make())
const folder = () => Effect.runSync(Scope.extend(temporaryDataDir, scope))

const serverOf = (dataDir: string, url?: { readonly server: string; readonly owner: string }) =>
  ManagedRuntime.make(
    Layer.mergeAll(secrets({ dataDir }), organizations).pipe(
      Layer.provideMerge(audit()),
      Layer.provideMerge(keys({ dataDir })),
      Layer.provideMerge(
        databaseTest(
          url === undefined
            ? { dataDir }
            : { dataDir, url: Redacted.make(url.server), migrationUrl: Redacted.make(url.owner) }
        )
      )
    )
  )
type Server = ReturnType<typeof serverOf>

const stage = StageName.make("production")
const scopeOf = (organization: Organization) => ({ organizationId: organization.id, app: shop, stage })
const canary = `canary-${randomBytes(8).toString("hex")}`

/** Every row of every table, as text. */
const dump = async (config: pg.ClientConfig | string) => {
  const client = new pg.Client(config)
  await client.connect()
  const all: Record<string, unknown> = {}
  for (const { name } of await tablesOf(client)) {
    const { rows } = await client.query(`select t::text as row from ${name} t order by 1`)
    all[name] = rows.map((row) => row.row)
  }
  await client.end()
  return all
}
const ownerOf = (dataDir: string, name = "maxcloud") => ({
  host: join(dataDir, "postgres"),
  port: 5432,
  user: "maxcloud_owner",
  database: name,
  password: readFileSync(join(dataDir, "postgres.password"), "utf8").trim()
})

/** An empty folder with the master key of another. */
const folderWithKeyOf = (dataDir: string) => {
  const target = folder()
  copyFileSync(join(dataDir, "secret.key"), join(target, "secret.key"))
  return target
}

/** A journal line that says an organization was erased. */
const journalOf = (id: string) => {
  const certificate = {
    id: `era_${"1".repeat(32)}`,
    subject: { type: "organization", id },
    requestedAt: "2026-01-01T00:00:00.000Z",
    erasedAt: "2026-01-02T00:00:00.000Z",
    stores: [],
    signature: "",
    keyId: "dk_1"
  }
  return `${JSON.stringify({ type: "organization", id, at: "2026-01-02T00:00:00.000Z", certificate })}\n`
}

const files = {
  "sources/org_1/archives/aa.tar.gz": randomBytes(200_000),
  "logs/org_1/app/lines": Buffer.from("a line\n"),
  "cluster-logs/org_1/chunk": randomBytes(10)
}
const notKept = ["sources/org_1/folders/aa/index.js", "sources/org_1/dependencies/x/y.js", "node/v24/bin"]

const used = folder()
let server: Server
let organization: Organization
let erased: Organization
let before: Record<string, unknown>
const file = join(folder(), "cloud.backup")
const isolated = { masterKey: undefined, databaseUrl: undefined, migrationDatabaseUrl: undefined }

const assertSame = async (restored: Server) => {
  await restored.runPromise(
    Effect.gen(function* () {
      const { reveal } = yield* Secrets
      const value = yield* reveal(scopeOf(organization), SecretName.make("KEY"), 2)
      expect(Option.getOrThrow(Option.map(value, Redacted.value))).toBe(`${canary} 2`)
      const lines = yield* Stream.runCollect((yield* Audit).export(organization.id))
      const verified = yield* verifyAuditExport(Stream.fromIterable(Chunk.map(lines, (line) => `${line}\n`)))
      expect(verified.ok, JSON.stringify(verified)).toBe(true)
    })
  )
}

beforeAll(async () => {
  server = serverOf(used)
  await server.runPromise(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      organization = yield* newOrganization
      erased = yield* newOrganization
      const { set } = yield* Secrets
      for (const n of [1, 2]) yield* set(scopeOf(organization), SecretName.make("KEY"), Redacted.make(`${canary} ${n}`))
      yield* set(scopeOf(erased), SecretName.make("KEY"), Redacted.make(canary))
      yield* sql`
        insert into drift (organization_id, app, stage, api_version, kind, name, change, noticed_at)
        select ${organization.id}, 'shop', 'production', 'v1', 'Service', ${"a\tb\nc\\ü"}, 'edited', now() from generate_series(1, 3)`
      yield* sql`insert into rate_limits (bucket, tokens, updated_at) values ('a', 1, now())`
    })
  )
  for (const [path, bytes] of [...Object.entries(files), ...notKept.map((value) => [value, "x"] as const)]) {
    mkdirSync(dirname(join(used, path)), { recursive: true })
    writeFileSync(join(used, path), bytes)
  }
  mkdirSync(join(used, "sources", erased.id, "archives"), { recursive: true })
  writeFileSync(join(used, "sources", erased.id, "archives/x.tar.gz"), canary)
  before = await dump(ownerOf(used))
  const made = await backupServer(file, { ...isolated, dataDir: used })
  expect(made.ok, JSON.stringify(made)).toBe(true)
}, 60_000)
afterAll(async () => {
  await server.dispose()
  await Effect.runPromise(Scope.close(scope, await Effect.runPromiseExit(Effect.void)))
})

describe("a backup", () => {
  it("of a running server is sealed, readable only by its owner, without the master key, and replaces no file", async () => {
    const bytes = readFileSync(file)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    for (const known of [canary, organization.id, "organization_keys"]) expect(bytes.includes(known)).toBe(false)
    expect(bytes.includes(readFileSync(join(used, "secret.key")))).toBe(false)
    const again = await backupServer(file, { ...isolated, dataDir: used })
    expect(again).toMatchObject({ ok: false, reason: "target" })
    const none = await backupServer(join(folder(), "x"), { ...isolated, dataDir: folderWithKeyOf(used) })
    expect(none).toMatchObject({ ok: false, reason: "target" })
  })

  it("restores everything: every row, sealed values, the audit log, and files", { timeout: 60_000 }, async () => {
    const target = folderWithKeyOf(used)
    const restored = await restoreServer(file, { ...isolated, dataDir: target })
    expect(restored).toMatchObject({ ok: true })
    for (const [path, bytes] of Object.entries(files))
      expect(readFileSync(join(target, path)).equals(bytes), path).toBe(true)
    expect(readdirSync(join(target, "sources/org_1"))).toStrictEqual(["archives"])
    const runs = serverOf(target)
    try {
      await runs.runPromise(Effect.void)
      expect(await dump(ownerOf(target))).toStrictEqual(before)
      await assertSame(runs)
      // Numbers continue after the existing ones.
      await runs.runPromise(
        Effect.flatMap(
          SqlClient,
          (sql) => sql`
            insert into drift (organization_id, app, stage, api_version, kind, name, change, noticed_at)
            values (${organization.id}, 'shop', 'production', 'v1', 'Service', 'd', 'edited', now())`
        )
      )
      const twice = await restoreServer(file, { ...isolated, dataDir: target })
      expect(twice).toMatchObject({ ok: false, reason: "target" })
    } finally {
      await runs.dispose()
    }
  })

  it("restores once into an external database whose owner is subject to row security, and erases again what was erased since", {
    timeout: 60_000
  }, async () => {
    const owner = new pg.Client(ownerOf(used))
    await owner.connect()
    await owner.query("create role restored_owner login password 'restored'")
    await owner.query("create database restored owner restored_owner")
    await owner.end()
    const urlOf = (role: string, password: string) =>
      `postgres://${role}:${password}@/restored?host=${encodeURIComponent(join(used, "postgres"))}`
    const url = { server: urlOf("maxcloud", ownerOf(used).password), owner: urlOf("restored_owner", "restored") }
    const target = folderWithKeyOf(used)
    writeFileSync(join(target, "erasures.jsonl"), journalOf(erased.id))
    const options = {
      dataDir: target,
      databaseUrl: Redacted.make(url.server),
      migrationDatabaseUrl: Redacted.make(url.owner)
    }
    const unknown = folderWithKeyOf(used)
    writeFileSync(join(unknown, "erasures.jsonl"), `{"type":"galaxy","id":"${erased.id}"}\n`)
    expect(await restoreServer(file, { ...options, dataDir: unknown })).toMatchObject({ ok: false, reason: "target" })
    const restored = await restoreServer(file, options)
    expect(restored.ok && restored.value.erasedAgain === 1, JSON.stringify(restored)).toBe(true)
    expect(existsSync(join(target, "sources", erased.id))).toBe(false)
    const rows = JSON.stringify(await dump({ ...ownerOf(used, "restored"), user: "maxcloud_owner" }))
    const { audit_entries, audit_heads, erasures, ...others } = await dump(ownerOf(used, "restored"))
    expect(JSON.stringify(others)).not.toContain(erased.id)
    expect(rows).toContain(organization.id)
    const runs = serverOf(target, url)
    await assertSame(runs).finally(() => runs.dispose())
    const again = await restoreServer(file, { ...options, dataDir: folderWithKeyOf(used) })
    expect(again).toMatchObject({ ok: false, reason: "target" })
    // Also backed up as that owner, to whom forced row security applies.
    const other = await backupServer(join(folder(), "external"), options)
    expect(other.ok && other.value.rows > 5, JSON.stringify(other)).toBe(true)
  })

  it("lets no server start until the restore is repeated, if it was killed before it erased data again", {
    timeout: 60_000
  }, async () => {
    const { password } = ownerOf(used)
    const owner = new pg.Client(ownerOf(used))
    await owner.connect()
    await owner.query("create database killed")
    const urlOf = (role: string) =>
      `postgres://${role}:${password}@/killed?host=${encodeURIComponent(join(used, "postgres"))}`
    const url = { server: urlOf("maxcloud"), owner: urlOf("maxcloud_owner") }
    const target = folderWithKeyOf(used)
    const journal = journalOf(erased.id)
    writeFileSync(join(target, "erasures.jsonl"), journal)
    // The tables exist, and the restore waits for our lock before it records the first erasure.
    const watching = new pg.Client(ownerOf(used, "killed"))
    await watching.connect()
    const empty = serverOf(target, url)
    await empty.runPromise(Effect.void)
    await empty.dispose()
    await watching.query(`
      truncate organizations, server_keys cascade;
      create function wait() returns trigger language plpgsql as 'begin perform pg_advisory_lock(42); return new; end';
      create trigger wait before insert on erasures for each row execute function wait();
      select pg_advisory_lock(42)`)
    const child = spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import { Redacted } from "effect"
         import { restoreServer } from ${JSON.stringify(join(import.meta.dirname, "commands.ts"))}
         const [file, dataDir, server, owner] = process.argv.slice(1)
         console.log(JSON.stringify(await restoreServer(file, {
           dataDir, databaseUrl: Redacted.make(server), migrationDatabaseUrl: Redacted.make(owner), masterKey: undefined
         })))`,
        file,
        target,
        url.server,
        url.owner
      ],
      { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"] }
    )
    const ended = new Promise((resolve) => child.once("exit", resolve))
    let said = ""
    child.stdout.on("data", (chunk) => {
      said += chunk
    })
    const waiting = async () => {
      const { rowCount } = await watching.query("select 1 from pg_locks where locktype = 'advisory' and not granted")
      return rowCount !== 0
    }
    while (!(await waiting()) && child.exitCode === null) await setTimeout(20)
    expect(child.exitCode, said).toBeNull()
    child.kill("SIGKILL")
    await ended
    await watching.end()
    expect(JSON.stringify(await dump(ownerOf(used, "killed")))).toContain(erased.id)

    const starts = await serverOf(target, url).runPromiseExit(Effect.void)
    expect(String(starts)).toContain("restore again")
    const options = {
      dataDir: folderWithKeyOf(used),
      databaseUrl: Redacted.make(url.server),
      migrationDatabaseUrl: Redacted.make(url.owner)
    }
    writeFileSync(join(options.dataDir, "erasures.jsonl"), journal)
    const kept = await backupServer(join(folder(), "x"), options)
    expect(JSON.stringify(kept)).toContain("interrupted")
    const again = await restoreServer(file, options)
    expect(again).toMatchObject({ ok: false, reason: "target" })
    expect(JSON.stringify(again)).toContain("interrupted")
    await owner.query("drop database killed with (force)")
    await owner.query("create database killed")
    await owner.end()
    expect(await restoreServer(file, options)).toMatchObject({ ok: true })
    const runs = serverOf(options.dataDir, url)
    await assertSame(runs).finally(() => runs.dispose())
  })

  it("that was changed, truncated, or made under another key is refused before anything is written", {
    timeout: 60_000
  }, async () => {
    const bytes = readFileSync(file)
    const refused = async (changed: Uint8Array, dataDir = folderWithKeyOf(used)) => {
      const path = join(folder(), "changed")
      writeFileSync(path, changed)
      const result = await restoreServer(path, { ...isolated, dataDir })
      expect(result.ok).toBe(false)
      expect(readdirSync(dataDir).filter((name) => name !== "secret.key")).toStrictEqual([])
      return result
    }
    for (const at of [0, 3, 18, 30, 200, 300, 1_000, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at)
      const result = await refused(flipped)
      expect(["file", "key"], String(at)).toContain(result.ok ? "" : result.reason)
    }
    for (const length of [0, 10, 100, bytes.length - 1, bytes.length - 70_000]) {
      expect(await refused(bytes.subarray(0, length))).toMatchObject({ reason: "file" })
    }
    const stranger = folder()
    writeFileSync(join(stranger, "secret.key"), randomBytes(32))
    const wrong = await refused(bytes, stranger)
    expect(wrong).toMatchObject({ reason: "key" })
    expect(JSON.stringify(wrong)).toContain("MAXCLOUD_MASTER_KEYS_FORMER")
    const keyless = await restoreServer(file, { ...isolated, dataDir: folder() })
    expect(keyless).toMatchObject({ ok: false, reason: "key" })
  })
})

describe("a sealed stream", () => {
  const collect = async (source: AsyncIterable<Uint8Array>) => {
    const parts = []
    for await (const part of source) parts.push(part)
    return Buffer.concat(parts)
  }
  async function* of(...parts: ReadonlyArray<Uint8Array>) {
    yield* parts
  }
  const key = randomBytes(32)
  const header = Buffer.from("header")

  it("opens to its original content, in pieces of any size, and never after a change", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 200_000 }),
        fc.array(fc.nat({ max: 300_000 }), { maxLength: 3 }),
        fc.nat(),
        async (size, cuts, place) => {
          const plain = randomBytes(size)
          const sealed = await collect(seal(key, header, of(plain.subarray(0, 10), plain.subarray(10))))
          const sorted = [0, ...cuts.map((cut) => cut % (sealed.length + 1)).sort((a, b) => a - b), sealed.length]
          const pieces = sorted.slice(1).map((end, n) => sealed.subarray(sorted[n], end))
          expect((await collect(open(key, header, new ByteReader(of(...pieces))))).equals(plain)).toBe(true)
          const at = place % sealed.length
          const flipped = Buffer.from(sealed)
          flipped.writeUInt8(flipped.readUInt8(at) ^ 0x80, at)
          for (const bad of [flipped, sealed.subarray(0, at), Buffer.concat([sealed, Buffer.from("x")])]) {
            const error = await collect(open(key, header, new ByteReader(of(bad)))).then(
              () => undefined,
              (found) => found
            )
            expect(error?._tag).toBe("BackupError")
          }
        }
      ),
      { numRuns: 30 }
    )
  })
})
