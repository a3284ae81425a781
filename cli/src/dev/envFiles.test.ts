import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "@effect/vitest"
import { reservedEnvNames } from "@maxcloud/config-schema"
import { loadConfig } from "@maxcloud/sdk"
import { Effect } from "effect"
import { makeEnvFiles } from "./envFiles.ts"

let folder: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "maxcloud-env-files-")))
  const config = { app: "shop", services: [{ name: "web", source: "." }] }
  await writeFile(join(folder, "maxcloud.config.json"), JSON.stringify(config))
})
afterEach(() => rm(folder, { recursive: true }))

const reload = async (readsItself: boolean) => {
  const files = makeEnvFiles({ folder, shell: {} })
  const loaded = await loadConfig({ folder, stage: "dev" })
  const found = await Effect.runPromise(files.reload(loaded, () => readsItself))
  return { ...found, variables: files.environment(folder) }
}

it("ignores variables in .env that the platform sets", async () => {
  const names = [...reservedEnvNames, "PATH", "A"]
  await writeFile(join(folder, ".env"), names.map((name) => `${name}=1\n`).join(""))
  expect((await reload(false)).variables).toStrictEqual({ A: "1" })
})

it("doesn't read a tool's file that is larger than 1 MiB", async () => {
  await writeFile(join(folder, ".env"), "A=1\n")
  await writeFile(join(folder, ".env.development"), `${"#".repeat(2 ** 20)}\nB=1\n`)
  expect((await reload(true)).lines).toStrictEqual(["web reads .env by itself"])
})

it("takes a variable with the name of an object's own method from .env, not from the shell", async () => {
  await writeFile(join(folder, ".env"), "constructor=1\ntoString=2\n")
  const { lines, variables } = await reload(false)
  expect(variables).toStrictEqual({ constructor: "1", toString: "2" })
  expect(lines).toStrictEqual(["web gets constructor, toString from .env"])
})
