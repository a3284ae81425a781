import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import pg from "pg"
import { isRunning } from "../host/processIdentity.ts"
import { type EmbeddedPostgres, makeEmbeddedPostgres } from "./EmbeddedPostgres.ts"
import { ownerRole } from "./initialise.ts"
import { installedPrograms, programsFor } from "./programs.ts"

const isRoot = process.getuid?.() === 0
const nobody = { name: "nobody", uid: 65_534, gid: 65_534 }

const folders: Array<string> = []
/** Mode 0700: closed to every user but this one. */
const closedFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-test-"))
  folders.push(folder)
  return folder
}
const openFolder = () => {
  const folder = closedFolder()
  chmodSync(folder, 0o755)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** The files that npm installs without install scripts: no symlinks. */
const installWithoutScripts = (folder: string) => {
  const native = installedPrograms()
  // A package manager may store the script's output as plain files.
  const links: ReadonlyArray<{ readonly target: string }> = JSON.parse(
    readFileSync(join(native, "pg-symlinks.json"), "utf8")
  )
  const made = new Set(links.map((link) => basename(link.target)))
  for (const entry of readdirSync(native, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || made.has(entry.name) || entry.name.endsWith(".a")) continue
    const from = join(entry.parentPath, entry.name)
    const to = join(folder, "native", from.slice(native.length))
    mkdirSync(dirname(to), { recursive: true })
    try {
      linkSync(from, to)
    } catch {
      copyFileSync(from, to)
    }
  }
  return join(folder, "native")
}

const versionBy = (bin: string) =>
  execFileSync(join(bin, "initdb"), ["--version"], {
    cwd: "/",
    stdio: "pipe",
    encoding: "utf8",
    ...(isRoot ? { uid: nobody.uid, gid: nobody.gid } : {})
  })

const answers = async (dataDir: string) => {
  const postgres = await makeEmbeddedPostgres(dataDir)
  try {
    await postgres.start()
    const client = new pg.Client({
      host: postgres.socketFolder,
      user: ownerRole,
      database: "postgres",
      password: postgres.password
    })
    await client.connect()
    const { rows } = await client.query("select count(*)::int as n from pg_class")
    await client.end()
    return rows[0].n > 100
  } finally {
    await postgres.stop()
  }
}

/** 0 without a lock file. */
const pidIn = (dataDir: string): number => {
  const file = join(dataDir, "postgres/data/postmaster.pid")
  return existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[0]) : 0
}

describe("data folder", () => {
  it("can be inside a folder that's closed to other users", async () => {
    const dataDir = join(closedFolder(), ".maxcloud")
    expect(await answers(dataDir)).toBe(true)
    expect(await answers(dataDir)).toBe(true)
    expect(existsSync(join(dataDir, "postgres/data/postmaster.pid"))).toBe(false)
  })

  it("is created even while the `initdb` of a killed server is still writing", { timeout: 60_000 }, async () => {
    const folder = openFolder()
    const writer = spawn(process.execPath, [
      "-e",
      `const { mkdirSync, writeFileSync } = require("node:fs")
const draft = process.argv[1]
for (let n = 0; ; n++) {
  try {
    mkdirSync(draft, { recursive: true })
    writeFileSync(draft + "/" + (n % 50), "")
    if (n === 0) console.log("writing")
  } catch {}
}`,
      join(folder, "postgres/data.new")
    ])
    try {
      await once(writer.stdout, "data")
      const postgres = await makeEmbeddedPostgres(folder)
      await postgres.start()
      await postgres.stop()
    } finally {
      writer.kill("SIGKILL")
      await once(writer, "close")
    }
    const again = await makeEmbeddedPostgres(folder)
    await again.start()
    await again.stop()
    expect(readdirSync(join(folder, "postgres")).filter((text) => text.startsWith("data."))).toEqual([])
  })

  it("can be closed and have a path that's too long for a socket", async () => {
    expect(await answers(join(closedFolder(), "a".repeat(100)))).toBe(true)
  })
})

describe("a Postgres whose files are removed while it runs", () => {
  const query = async ({ password, socketFolder }: EmbeddedPostgres) => {
    const client = new pg.Client({ host: socketFolder, user: ownerRole, database: "postgres", password })
    await client.connect()
    await client.query("select 1")
    await client.end()
  }

  it.each([
    ["its socket", ".s.PGSQL.5432"],
    ["its lock file", "data/postmaster.pid"]
  ])("is restarted without %s, by whatever process holds the folder", async (_, file) => {
    const dataDir = join(openFolder(), "a".repeat(100))
    const first = await makeEmbeddedPostgres(dataDir)
    await first.start()
    expect(first.look()).toBe("runs")
    await query(first)
    const before = pidIn(dataDir)
    rmSync(join(dataDir, "postgres", file))
    expect(first.look()).toBe("deaf")
    await first.start()
    expect(first.look()).toBe("runs")
    expect(pidIn(dataDir)).not.toBe(before)
    expect(isRunning(before)).toBe(false)
    await query(first)

    // As after a kill of its server: another process finds it so.
    rmSync(join(dataDir, "postgres/.s.PGSQL.5432"))
    const second = await makeEmbeddedPostgres(dataDir)
    await second.start()
    await query(second)
    await second.stop()
    expect(pidIn(dataDir)).toBe(0)
  })

  it("stops even if its folder was removed or replaced", async () => {
    for (const replaced of [false, true]) {
      const dataDir = join(openFolder(), "data")
      const postgres = await makeEmbeddedPostgres(dataDir)
      await postgres.start()
      const pid = pidIn(dataDir)
      rmSync(dataDir, { recursive: true })
      if (replaced) mkdirSync(join(dataDir, "postgres"), { recursive: true })
      expect(postgres.look()).toBe("gone")
      await postgres.stop()
      expect(isRunning(pid)).toBe(false)
    }
  })
})

/** A killed process that nobody reaps: its parent, `sleep`, doesn't know it. */
const makeZombie = async ({ gid, uid }: { readonly gid: number; readonly uid: number }) => {
  const parent = spawn("sh", ["-c", "sleep 600 & echo $!; exec sleep 600"], {
    cwd: "/",
    stdio: ["ignore", "pipe", "ignore"],
    // Postgres ignores processes of other users.
    ...(isRoot ? { uid, gid } : {})
  })
  const [line] = await once(parent.stdout, "data")
  const pid = Number(String(line))
  // Until then the shell would reap it.
  await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, "utf8"), { timeout: 20_000 }).toBe("sleep\n")
  process.kill(pid, "SIGKILL")
  await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false)
  return {
    pid,
    exists: () => process.kill(pid, 0),
    [Symbol.dispose]: () => void parent.kill("SIGKILL")
  }
}

describe("a killed Postgres", () => {
  it.skipIf(process.platform !== "linux")(
    "doesn't keep the next one from starting if nobody has reaped it",
    { timeout: 60_000 },
    async () => {
      const dataDir = openFolder()
      const first = await makeEmbeddedPostgres(dataDir)
      await first.start()
      const killed = pidIn(dataDir)
      const folder = join(dataDir, "postgres")
      using zombie = await makeZombie(statSync(join(folder, "data/postmaster.pid")))
      process.kill(killed, "SIGKILL")
      await expect.poll(() => isRunning(killed), { timeout: 20_000 }).toBe(false)
      const locks = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
        /postmaster\.pid$|\.lock$/.test(name)
      )
      expect(locks).toHaveLength(2)
      for (const name of locks) {
        const file = join(folder, name)
        writeFileSync(file, readFileSync(file, "utf8").replace(String(killed), String(zombie.pid)))
      }
      expect(pidIn(dataDir)).toBe(zombie.pid)
      expect(zombie.exists()).toBe(true)

      const next = await makeEmbeddedPostgres(dataDir)
      await next.start()
      expect(next.look()).toBe("runs")
      await next.stop()
    }
  )
})

describe("programs", () => {
  it("get the links of their libraries in place", () => {
    const native = installWithoutScripts(openFolder())
    expect(() => versionBy(join(native, "bin"))).toThrow("libicu")
    expect(programsFor(native, isRoot ? nobody : undefined, [])).toBe(join(native, "bin"))
    expect(versionBy(join(native, "bin"))).toContain("PostgreSQL")
  })

  it.skipIf(!isRoot)("are copied once to where their user may run them", () => {
    const native = installWithoutScripts(closedFolder())
    const place = openFolder()
    const bin = programsFor(native, nobody, [closedFolder(), place])
    expect(bin.startsWith(place)).toBe(true)
    expect(versionBy(bin)).toContain("PostgreSQL")
    expect(readdirSync(place)).toHaveLength(1)

    const inode = statSync(join(bin, "postgres")).ino
    programsFor(native, nobody, [place])
    expect(statSync(join(bin, "postgres")).ino).toBe(inode)

    // Tools that clean temporary folders remove single files.
    rmSync(join(bin, "initdb"))
    expect(versionBy(programsFor(native, nobody, [place]))).toContain("PostgreSQL")
    expect(readdirSync(place)).toHaveLength(1)
    expect(readdirSync(join(place, readdirSync(place)[0] ?? ""))).toEqual(["native"])
  })

  it.skipIf(!isRoot)("are never taken from a folder that others could have created or changed", () => {
    const native = installWithoutScripts(closedFolder())
    const place = openFolder()
    const copy = dirname(dirname(programsFor(native, nobody, [place])))
    chmodSync(copy, 0o777)
    expect(() => programsFor(native, nobody, [place])).toThrow("others can write it")
    const other = openFolder()
    expect(programsFor(native, nobody, [place, other]).startsWith(other)).toBe(true)

    const file = openFolder()
    writeFileSync(join(file, copy.slice(place.length + 1)), "")
    expect(() => programsFor(native, nobody, [file])).toThrow("set DATABASE_URL")
    expect(lstatSync(join(file, copy.slice(place.length + 1))).isFile()).toBe(true)
  })
})
