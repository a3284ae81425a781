import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { getByHost } from "../../../test/getByHost.ts"
import { type Embedded, embedded } from "../../assembly/index.ts"
import { closedTo, endAllOf, processesOf, sourceUsers } from "../../base/host/sourceUser.ts"

/** Only root may run programs as another user. */
const isRoot = process.getuid?.() === 0

/** Reports its user, and what it can get from the server's files and API. */
const app = `
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
const read = (file) => { try { readFileSync(file); return "read" } catch (error) { return error.code } }
const call = async (path, init) => (await fetch(process.env.API + path, init)).status
createServer(async (_, response) => {
  const register = { method: "POST", headers: { "content-type": "application/json" }, body: '{"email":"a@example.com","organization":"eve"}' }
  response.end(JSON.stringify({
    uid: process.getuid(), groups: process.getgroups(), home: process.env.HOME,
    files: JSON.parse(process.env.FILES).map(read),
    api: [await call("/api/v1/services"), await call("/api/v1/auth/register", register), await call("/")]
  }))
}).listen(process.env.PORT)
`

const get = async (url: string) => (await getByHost(url)).text

describe.skipIf(!isRoot)("sources of a server that runs as root (needs root)", () => {
  let root: string
  let dataDir: string
  let cloud: Embedded
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "maxcloud-root-"))
    chmodSync(root, 0o755)
    dataDir = join(root, "data")
    cloud = await embedded({ dataDir, inPlace: true })
  }, 120_000)
  afterAll(async () => {
    await cloud[Symbol.asyncDispose]()
    rmSync(root, { recursive: true, force: true })
  }, 60_000)

  const folderOf = (name: string, files: Readonly<Record<string, string>>) => {
    const folder = join(root, name)
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), content)
    }
    return folder
  }
  const service = (name: string, directory: string) => ({
    name,
    source: { path: `./${name}`, directory },
    env: {
      API: cloud.url,
      FILES: JSON.stringify(["local-token", "secret.key", "postgres.password"].map((file) => join(dataDir, file)))
    }
  })

  it("run as a separate user, who gets neither the token nor the API", async () => {
    const folder = folderOf("app", { "app.mjs": app, "package.json": `{"scripts":{"start":"node app.mjs"}}` })
    const uploaded = { ...service("uploaded", folder), source: "./app" }
    await cloud.client.deploy({ app: "shop", services: [service("placed", folder)] })
    await cloud.client.deploy({ app: "snap", services: [uploaded] }, { folder: root })
    const { service: user } = sourceUsers(dataDir) ?? expect.unreachable("no users")
    for (const name of ["placed", "uploaded"]) {
      const { url } = (await cloud.client.services.get(name)).status
      const told = JSON.parse(await get(url ?? ""))
      expect(told, name).toStrictEqual({
        ...told,
        uid: user.uid,
        groups: [user.gid],
        files: ["EACCES", "EACCES", "EACCES"],
        api: [401, 401, 401]
      })
      expect(statSync(told.home).uid).toBe(user.uid)
    }
  })

  it("have install scripts that run as yet another user, who leaves nothing behind", async () => {
    const folder = folderOf("installing", {
      "package.json": JSON.stringify({
        scripts: {
          start: "node app.mjs",
          // The surviving process tries to turn a folder into a link to one of root's.
          preinstall:
            "id -u > who; mkdir -p sub; chmod 777 . sub; env -i setsid sh -c 'while :; do rm -rf sub; ln -s /etc sub; rm sub; mkdir sub; done' > /dev/null 2>&1 &"
        },
        dependencies: { dependency: "file:./dependency" }
      }),
      "app.mjs": app,
      "dependency/package.json": `{"name":"dependency","version":"1.0.0"}`
    })
    const etc = statSync("/etc").mode
    const deployed = { ...service("installing", folder), source: "./installing" }
    await cloud.client.deploy({ app: "inst", services: [deployed] }, { folder: root })
    const users = sourceUsers(dataDir) ?? expect.unreachable("no users")
    const sources = join(dataDir, "sources")
    const [organization = ""] = readdirSync(sources)
    const builtFolder = join(sources, organization, "built")
    const installed = readdirSync(builtFolder)
      .flatMap((name) => readdirSync(join(builtFolder, name)).map((way) => join(builtFolder, name, way, "app")))
      .find((path) => readdirSync(path).includes("who"))
    const who = Number(readFileSync(join(installed ?? "", "who"), "utf8"))
    expect(users.installers.map((installer) => installer.uid)).toContain(who)
    expect(await processesOf({ uid: who, gid: who })).toStrictEqual([])
    expect(statSync("/etc").mode).toBe(etc)
    for (const path of ["", "who", "package.json", "node_modules"]) {
      const { mode, uid } = statSync(join(installed ?? "", path))
      expect([uid, mode & 0o222], path).toStrictEqual([0, 0])
    }
    expect(readdirSync(join(sources, organization, "unfinished"))).toStrictEqual([])
  })

  it("leave nothing in the data folder that another user of the machine may read", () => {
    const find = (uid: number) =>
      spawnSync("find", [dataDir, "-readable", "-not", "-type", "l"], { uid, gid: uid, cwd: "/", encoding: "utf8" })
        .stdout.split("\n")
        .filter((path) => path !== "" && !path.startsWith(join(dataDir, "node")))
    expect(find(65_533)).toStrictEqual([])
    for (const name of readdirSync(dataDir)) {
      const { mode } = statSync(join(dataDir, name))
      const closed = { sources: 0o066, homes: 0o066, node: 0o022 }[name] ?? 0o077
      expect(mode & closed, name).toBe(0)
    }
  })

  it("don't start from a folder that is closed to their user, and the message names it", async () => {
    const folder = folderOf("private/app", { "app.mjs": app })
    chmodSync(join(root, "private"), 0o700)
    const failure = await cloud.client
      .deploy({ app: "shut", services: [{ ...service("shut", folder), command: ["node", "app.mjs"] }] })
      .catch((error: unknown) => error)
    expect(String(failure)).toMatch(new RegExp(`can't enter ${join(root, "private")} on the way to`))
  })
})

describe.skipIf(!isRoot)("the users of sources (need root)", () => {
  it("differ for each data folder, and stay the same for one", () => {
    const root = mkdtempSync(join(tmpdir(), "maxcloud-users-"))
    const uids = new Set<number>()
    for (const name of ["a", "b", "c", "d"]) {
      const folder = join(root, name)
      mkdirSync(folder)
      writeFileSync(join(folder, "data-directory-id"), name)
      const users = sourceUsers(folder) ?? expect.unreachable("no users")
      expect(sourceUsers(folder)).toStrictEqual(users)
      for (const { uid } of [users.service, ...users.installers]) uids.add(uid)
    }
    expect(uids.size).toBe(40)
    rmSync(root, { recursive: true, force: true })
  })

  it("are the only users signalled as a whole: never root or anyone else's user", async () => {
    for (const uid of [0, 1, 1000, 65_534]) {
      const failure = await Promise.resolve()
        .then(() => endAllOf({ uid, gid: uid }))
        .catch((error: unknown) => error)
      expect(String(failure)).toMatch(/isn't a user of sources/)
    }
  })

  it("may enter if the mode of all folders on the way allows it", () => {
    const root = mkdtempSync(join(tmpdir(), "maxcloud-way-"))
    mkdirSync(join(root, "a/b"), { recursive: true })
    const user = { uid: 60_580, gid: 60_580 }
    expect(closedTo(user, join(root, "a/b"))).toBe(root)
    chmodSync(root, 0o711)
    expect(closedTo(user, join(root, "a/b"))).toBeUndefined()
    chmodSync(join(root, "a"), 0o750)
    expect(closedTo(user, join(root, "a/b"))).toBe(join(root, "a"))
    rmSync(root, { recursive: true, force: true })
  })
})
