import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { globalFlags } from "../src/args/flags.ts"
import { commands } from "../src/commands/index.ts"

const folder = mkdtempSync(join(tmpdir(), "maxcloud-node-flags-"))
afterAll(() => rmSync(folder, { recursive: true }))
const script = join(folder, "arguments.cjs")
writeFileSync(script, "process.stdout.write(JSON.stringify(process.argv.slice(2)))")

/** The arguments that reach a program, if Node runs it at all. */
const seen = (args: ReadonlyArray<string>) => {
  const { status, stdout } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8", env: {} })
  return { status, args: stdout === "" ? undefined : JSON.parse(stdout) }
}

/** Flags that Node claims anywhere on the command line. Each has another name that Node leaves alone. */
const readByNode: Readonly<Record<string, string>> = { "env-file": "env-from" }

describe("flags that Node could claim for itself", () => {
  it("are exactly those with another name", async () => {
    const infos = await Promise.all(commands.map(async ({ load }) => (await load()).default.flags))
    const names = new Set(
      [...infos.flat(), ...Object.values(globalFlags).map((globalFlag) => globalFlag.info)].map((each) => each.name)
    )
    for (const [name, other] of Object.entries(readByNode)) {
      expect(names.has(name) && names.has(other), name).toBe(true)
      expect(seen(["deploy", `--${name}`, "/nonexistent"]).status, name).toBe(9)
    }
    const rest = [...names]
      .filter((name) => !Object.hasOwn(readByNode, name))
      .flatMap((name) => [`--${name}`, "/nonexistent"])
    expect(seen(rest)).toEqual({ status: 0, args: rest })
  })
})
