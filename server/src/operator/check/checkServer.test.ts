import { randomBytes } from "node:crypto"
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Layer, ManagedRuntime, Scope } from "effect"
import fc from "fast-check"
import pg from "pg"
import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { newOrganization } from "../../../test/deployments/testServer.ts"
import { digestOf, tarOf } from "../../../test/sources/tar.ts"
import { layer as keys } from "../../base/keys/layer.ts"
import { backupName } from "../../base/postgres/backupFiles.ts"
import { encodeRecord } from "../../runtimes/local/logs/logRecord.ts"
import { encodeChunk } from "../../stores/logs/chunk.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { layer as audit } from "../../tenancy/audit/PostgresAudit.ts"
import { layer as organizations } from "../../tenancy/organizations/Organizations.ts"
import { backupServer } from "../backup/commands.ts"
import type { CheckName, CheckPart } from "./CheckPart.ts"
import { checkServer } from "./checkServer.ts"
import { isWholePage, pageBytes, segmentPages } from "./pageChecksum.ts"
import { pageFiles } from "./pages.ts"

const scope = Effect.runSync(Scope.make())
const dataDir = Effect.runSync(Scope.extend(madeDataDir, scope))
const isolated = { dataDir, masterKey: undefined, databaseUrl: undefined, migrationDatabaseUrl: undefined }
const data = join(dataDir, "postgres/data")

const makeServer = () =>
  ManagedRuntime.make(
    organizations.pipe(
      Layer.provideMerge(audit()),
      Layer.provideMerge(keys({ dataDir })),
      Layer.provideMerge(databaseTest({ dataDir }))
    )
  )
let server: ReturnType<typeof makeServer> | undefined = makeServer()
const stop = async () => {
  await server?.dispose()
  server = undefined
}

const put = (path: string, bytes: string | Uint8Array) => {
  const file = join(dataDir, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, bytes)
  return file
}
const source = [{ path: "index.js", content: randomBytes(20_000).toString("hex") }]
const line = encodeRecord({ t: 1, r: "web-1", i: "web-1-a", s: "o", l: "a line" })
let files = { archive: "", lines: "", chunk: "", backup: "" }
let table = ""

beforeAll(async () => {
  await server?.runPromise(
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const { append } = yield* Audit
      for (const n of [1, 2, 3])
        yield* append({
          organizationId: id,
          action: "apps.deploy",
          outcome: "succeeded",
          status: 202,
          subject: `a/${n}`
        })
      const sql = yield* SqlClient
      const [found] = yield* sql<{ path: string }>`select pg_relation_filepath('organizations') as path`
      table = found?.path ?? ""
    })
  )
  const chunk = await encodeChunk([
    { t: "2026-01-01T00:00:00.000000000Z", n: 0, uid: "u", instance: "i", revision: "r", line: "l", truncated: false }
  ])
  files = {
    archive: put(`sources/org_1/archives/${digestOf(source).replace("sha256:", "")}.tar.gz`, tarOf(source)),
    // A line still being written.
    lines: put("logs/org_1/web/1.jsonl", `${line}${line}${line.slice(0, 10)}`),
    chunk: put(`cluster-logs/org_1/${chunk.key}`, chunk.body),
    backup: join(dataDir, "backups", backupName(1, new Date("2026-01-01T03:00:00Z")))
  }
  mkdirSync(dirname(files.backup))
  expect((await backupServer(files.backup, isolated)).ok).toBe(true)
}, 60_000)
afterAll(async () => {
  await stop()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const check = async () => {
  const told: Array<CheckPart> = []
  const result = await checkServer(isolated, (one) => told.push(one))
  if (!result.ok) throw new Error(result.message)
  expect(told).toStrictEqual(result.value.parts)
  const wrong = result.value.parts.filter((part) => part.state === "wrong").map((part) => part.name)
  expect(result.value.ok).toBe(wrong.length === 0)
  const part = (name: CheckName) => {
    const found = result.value.parts.find((part) => part.name === name)
    if (found === undefined) throw new Error(`no part ${name}`)
    return found
  }
  return { wrong, part }
}

const flipped = (file: string, at: number) => {
  const bytes = readFileSync(file)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at)
  return bytes
}
/** Runs with this file damaged. */
const damaged = async <A>(file: string, bytes: string | Uint8Array, use: () => Promise<A>): Promise<A> => {
  copyFileSync(file, `${file}.whole`)
  writeFileSync(file, bytes)
  return use().finally(() => renameSync(`${file}.whole`, file))
}

describe.sequential("a check of a server", () => {
  it("finds nothing if everything is intact, while the server runs", { timeout: 60_000 }, async () => {
    const { part, wrong } = await check()
    expect(wrong).toStrictEqual([])
    expect(part("pages").checked).toBeGreaterThan(1_000)
    expect(
      (["key", "control", "database", "sources", "logs", "backups"] as const).map((value) => part(value).checked)
    ).toStrictEqual([1, 1, 1, 1, 2, 1])
    expect(part("audit").checked).toBeGreaterThanOrEqual(3)
  })

  it("finds everything damaged, names it and says how to fix it", { timeout: 60_000 }, async () => {
    const { archive: source, backup, chunk, lines } = files
    const found = await damaged(source, flipped(source, 1_000), () =>
      damaged(lines, `${line}not a line\n${line}`, () =>
        damaged(chunk, flipped(chunk, 6), () => damaged(backup, flipped(backup, 700), check))
      )
    )
    expect(found.wrong).toStrictEqual(["sources", "logs", "backups"])
    const findings = (["sources", "logs", "backups"] as const).flatMap((value) => found.part(value).findings)
    expect(findings.map((finding) => finding.where)).toStrictEqual([source, lines, chunk, backup])
    expect(findings[1]?.message ?? "").toMatch(/1 of its lines can't be read\. The first is line 2/)
    for (const { fix } of findings) expect(fix.length).toBeGreaterThan(10)
  })

  it("finds an audit log with a changed entry", { timeout: 60_000 }, async () => {
    const owner = new pg.Client({
      host: join(dataDir, "postgres"),
      user: "maxcloud_owner",
      database: "maxcloud",
      password: readFileSync(join(dataDir, "postgres.password"), "utf8").trim()
    })
    await owner.connect()
    await owner.query("begin; set local session_replication_role = replica")
    await owner.query("set local maxcloud.all_rows = on")
    const changed = await owner.query(
      "update audit_entries set hash = sha256('x') where sequence = 2 and organization_id <> 'server'"
    )
    expect(changed.rowCount).toBe(1)
    await owner.query("commit")
    await owner.end()
    const { part, wrong } = await check()
    expect(wrong).toStrictEqual(["audit"])
    expect(part("audit").findings[0]?.where ?? "").toMatch(/audit log "org_/)
  })

  it("finds every damaged page of a stopped server, and says how to restore the database", {
    timeout: 60_000
  }, async () => {
    await stop()
    const file = join(data, table)
    const { part } = await damaged(file, flipped(file, 8_000), check)
    expect(part("pages").state).toBe("wrong")
    const [finding] = part("pages").findings
    expect(finding?.where).toBe(`${file}, page 0`)
    expect(finding?.fix ?? "").toContain(files.backup)
    expect(finding?.fix ?? "").toContain("maxcloud server restore")
  })

  it("checks the readable parts of a server that doesn't start", { timeout: 60_000 }, async () => {
    const control = join(data, "global/pg_control")
    const { part, wrong } = await damaged(control, flipped(control, 60), check)
    expect([...wrong]).toEqual(expect.arrayContaining(["control", "database"]))
    expect(part("control").findings[0]?.message ?? "").toMatch(/checksum is wrong/)
    expect(part("database").findings[0]?.message ?? "").toContain("incorrect checksum in control file")
    expect(part("pages").checked).toBeGreaterThan(1_000)
    expect(part("pages").state).toBe("ok")
    expect(part("audit").state).toBe("skipped")
    expect(part("backups").state).toBe("ok")
    const key = join(dataDir, "secret.key")
    renameSync(key, `${key}.away`)
    const keyless = await check().finally(() => renameSync(`${key}.away`, key))
    expect(keyless.wrong[0]).toBe("key")
    expect([keyless.part("audit").state, keyless.part("backups").state]).toStrictEqual(["skipped", "skipped"])
  })

  it("accepts a page of Postgres only unchanged and in its own place", async () => {
    const pages: Array<{ readonly page: Buffer; readonly block: number }> = []
    for (const file of await pageFiles(data)) {
      const bytes = readFileSync(file)
      for (let at = 0; at < bytes.length; at += pageBytes)
        pages.push({ page: bytes.subarray(at, at + pageBytes), block: at / pageBytes })
    }
    for (const { block, page } of pages) expect(isWholePage(page, block)).toBe(true)
    const used = pages.filter(({ page }) => page.readUInt16LE(14) !== 0)
    let missed = 0
    fc.assert(
      fc.property(fc.nat({ max: used.length - 1 }), fc.nat({ max: pageBytes * 8 - 1 }), (which, bit) => {
        const { block, page } = used[which] ?? { block: 0, page: Buffer.alloc(pageBytes) }
        const other = Buffer.from(page)
        other.writeUInt8(other.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        if (isWholePage(other, block)) missed++
        if (isWholePage(page, block + 1)) missed++
        if (isWholePage(page, block + segmentPages)) missed++
      }),
      { numRuns: 500 }
    )
    // A checksum has 16 bits.
    expect(missed).toBeLessThanOrEqual(2)
  })
})
