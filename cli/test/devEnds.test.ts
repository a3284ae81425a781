import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, it } from "@effect/vitest"
import { start } from "./cli.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** An app in a folder that every user may read: the tests may run as root. */
const makeApp = () => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-ends-"))
  folders.push(folder)
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, "web"))
  writeFileSync(
    join(folder, "maxcloud.config.json"),
    '{"app":"ends","services":[{"name":"web","source":{"path":"web"}}]}'
  )
  const server = `require("http").createServer((_, r) => r.end()).listen(process.env.PORT, () => console.log("it listens"))`
  writeFileSync(
    join(folder, "web", "index.js"),
    `process.on("SIGTERM", () => setTimeout(() => process.exit(), 1500))\n${server}`
  )
  return folder
}

/** Processes that belong to a folder: by their arguments, or the folder where they run. */
const processesOf = (folder: string) =>
  readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return (
        readlinkSync(`/proc/${pid}/cwd`).startsWith(folder) ||
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder)
      )
    } catch {
      return false
    }
  })

const nothingLeft = (folder: string) => expect.poll(() => processesOf(folder), { timeout: 10_000 }).toEqual([])

const dev = async () => {
  const folder = makeApp()
  const running = start(["dev", "--port", "0"], { cwd: folder })
  await running.until(/it listens/)
  expect(processesOf(folder).length).toBeGreaterThan(2)
  return { folder, ...running }
}

const onLinux = process.platform === "linux"

it.runIf(onLinux)(
  "leaves nothing behind when a package manager hands on the Ctrl-C that it got too",
  { timeout: 60_000 },
  async () => {
    const { child, ended, folder } = await dev()
    child.kill("SIGINT")
    child.kill("SIGINT")
    setTimeout(() => child.kill("SIGINT"), 200)
    expect((await ended).code).toBe(0)
    await nothingLeft(folder)
  }
)

it.runIf(onLinux)("leaves nothing behind when it is ended a second time", { timeout: 60_000 }, async () => {
  const { child, ended, folder } = await dev()
  child.kill("SIGINT")
  setTimeout(() => child.kill("SIGINT"), 1_100)
  await ended
  await nothingLeft(folder)
})

it.runIf(onLinux)("leaves nothing behind when its terminal is closed", { timeout: 60_000 }, async () => {
  const { child, ended, folder } = await dev()
  child.stdout.destroy()
  child.stderr.destroy()
  child.kill("SIGHUP")
  await ended
  await nothingLeft(folder)
})
