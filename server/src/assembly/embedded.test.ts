import { spawnSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"

/**
 * Root ignores file modes, so if the tests run as root, the server runs as nobody, with a copy of Node that nobody can
 * execute.
 */
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
const index = fileURLToPath(new URL("./index.ts", import.meta.url))

const isDataFolder = (name: string) => /^maxcloud-[A-Za-z0-9]{6}$/.test(name)

/** Disposes a server whose data folder contains a read-only folder, as an unpacked source does. */
const program = `
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { embedded } from ${JSON.stringify(pathToFileURL(index).href)}

await using cloud = await embedded()
const [dataDir] = readdirSync(tmpdir()).filter((name) => /^maxcloud-[A-Za-z0-9]{6}$/.test(name))
const folder = join(tmpdir(), dataDir, "sources", "org", "folders", "snapshot")
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, "server.js"), "")
chmodSync(folder, 0o555)
`

describe("embedded() run by a user other than root", () => {
  let root = ""
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "maxcloud-embedded-"))
    chmodSync(root, 0o755)
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  it("removes its temporary data folder, including the read-only snapshots in it", ({ skip }) => {
    const folder = join(root, "tmp")
    mkdirSync(folder)
    if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
    writeFileSync(join(root, "program.mjs"), program)
    const node = join(root, "node")
    copyFileSync(process.execPath, node, constants.COPYFILE_FICLONE)
    const run = (args: ReadonlyArray<string>) =>
      spawnSync(node, args, {
        ...user,
        cwd: folder,
        encoding: "utf8",
        env: { ...process.env, HOME: folder, TMPDIR: folder, XDG_STATE_HOME: folder },
        timeout: 110_000
      })
    // A checkout below /root is closed to other users.
    if (run(["-e", `require("node:fs").accessSync(${JSON.stringify(index)})`]).status !== 0) skip()
    const ended = run([join(root, "program.mjs")])
    expect(ended.status, ended.stderr).toBe(0)
    expect(readdirSync(folder).filter(isDataFolder)).toStrictEqual([])
  }, 120_000)
})
