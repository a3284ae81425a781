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

/** What a program sees of its arguments, where Node lets it run at all. */
const seen = (args: ReadonlyArray<string>) => {
  const { status, stdout } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8", env: {} })
  return { status, args: stdout === "" ? undefined : JSON.parse(stdout) }
}

/** Flags that Node takes for its own wherever they stand: each has another name that Node leaves alone. */
const readByNode: Readonly<Record<string, string>> = { "env-file": "env-from" }

describe("flags that Node could take for its own", () => {
  it("are those that have another name", async () => {
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
