import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "@effect/vitest"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"

/** An app in a folder that every user can read, because the tests may run as root. It prints "it listens", and stops slowly. */
export const makeApp = (): string => {
  const folder = temporaryFolder("maxcloud-ends-")
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

/** The processes of a folder, by their arguments or their working directory. */
export const processesOf = (folder: string): ReadonlyArray<string> =>
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

export const nothingLeft = (folder: string, timeout = 10_000) =>
  expect.poll(() => processesOf(folder), { timeout }).toEqual([])
