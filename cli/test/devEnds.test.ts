import { rmSync } from "node:fs"
import { afterEach, expect, it } from "@effect/vitest"
import { start } from "./cli.ts"
import { makeApp, nothingLeft, processesOf } from "./devApp.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const dev = async () => {
  const folder = makeApp()
  folders.push(folder)
  const running = start(["dev", "--port", "0"], { cwd: folder })
  await running.until(/it listens/)
  expect(processesOf(folder).length).toBeGreaterThan(2)
  return { folder, ...running }
}

const onLinux = process.platform === "linux"

it.runIf(onLinux)(
  "leaves nothing behind when a package manager forwards the Ctrl-C that dev got too",
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

it.runIf(onLinux)("leaves nothing behind at the second signal", { timeout: 60_000 }, async () => {
  const { child, ended, folder } = await dev()
  child.kill("SIGINT")
  setTimeout(() => child.kill("SIGINT"), 1_100)
  await ended
  await nothingLeft(folder)
})

it.runIf(onLinux)("leaves nothing behind when its terminal closes", { timeout: 60_000 }, async () => {
  const { child, ended, folder } = await dev()
  child.stdout.destroy()
  child.stderr.destroy()
  child.kill("SIGHUP")
  await ended
  await nothingLeft(folder)
})
