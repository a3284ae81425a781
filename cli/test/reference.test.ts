import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { cliReference, summariesModule } from "../scripts/reference.ts"
import { globalFlags } from "../src/args/flags.ts"
import { commands } from "../src/commands/index.ts"
import { splitCommand } from "../src/splitCommand.ts"

it("docs/reference/cli.md is up to date (`npm run generate`)", async () => {
  const written = readFileSync(join(import.meta.dirname, "../../docs/reference/cli.md"), "utf8")
  expect(written).toBe(await cliReference())
})

it("cli/src/summaries.ts is up to date (`npm run generate`)", async () => {
  expect(readFileSync(join(import.meta.dirname, "../src/summaries.ts"), "utf8")).toBe(await summariesModule())
})

it("every module in cli/src/commands is in the list of commands", async () => {
  const all = readdirSync(join(import.meta.dirname, "../src/commands")).map((name) => name.replace(/\.ts$/, ""))
  const files = all.filter((value) => value !== "index")
  const modules = await Promise.all(files.map((file) => import(`../src/commands/${file}.ts`)))
  const listed = await Promise.all(commands.map((command) => command.load()))
  expect(files.filter((_, index) => !listed.includes(modules[index]))).toEqual([])
  expect(listed.length).toBe(files.length)
})

it("every command has examples that use it", async () => {
  for (const entry of commands) {
    const { default: command } = await entry.load()
    expect([entry.name, command.examples.length > 0]).toEqual([entry.name, true])
    for (const { line } of command.examples) expect(line).toContain(`maxcloud ${entry.name}`)
  }
})

it("global flags with their values can precede the command", () => {
  for (const { info } of Object.values(globalFlags)) {
    const flags = [`--${info.name}`, ...(info.alias === undefined ? [] : [`-${info.alias}`])]
    for (const flag of flags) {
      const leading = info.value === undefined ? [flag] : [flag, "list"]
      expect([flag, splitCommand([...leading, "describe", "web"]).entry?.name]).toEqual([flag, "describe"])
    }
  }
})
