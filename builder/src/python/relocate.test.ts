import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { pythonRecipe } from "./python.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "relocate-"))
  mkdirSync(join(folder, ".venv/bin"), { recursive: true })
  writeFileSync(join(folder, "requirements.txt"), "a==1\n")
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const own = `#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"
' '''
`

describe("scripts of a virtual environment", () => {
  it("find its python wherever it is, also those of a path that's too long for the kernel", async () => {
    const long = `/${"x".repeat(120)}/.venv/bin/python`
    const scripts = {
      short: ["#!/build/.venv/bin/python\nprint(1)\n", `${own}print(1)\n`],
      long: [`#!/bin/sh\n'''exec' "${long}" "$0" "$@"\n' '''\nprint(2)\n`, `${own}print(2)\n`],
      shell: ["#!/bin/sh\nexec x\n", "#!/bin/sh\nexec x\n"],
      other: ["#!/bin/sh\n'''exec' /usr/bin/perl\n' '''\n", "#!/bin/sh\n'''exec' /usr/bin/perl\n' '''\n"],
      binary: ["\u0000/.venv/bin/python", "\u0000/.venv/bin/python"]
    }
    for (const [name, [before = ""]] of Object.entries(scripts)) writeFileSync(join(folder, ".venv/bin", name), before)
    symlinkSync("/usr/bin/python3", join(folder, ".venv/bin/python"))
    const recipe = await pythonRecipe({ folder })
    const move = recipe?.install.find(({ label }) => label === "relocate .venv")
    execFileSync("python3", [...(move?.args ?? [])], { cwd: folder })
    for (const [name, [, after]] of Object.entries(scripts))
      expect(readFileSync(join(folder, ".venv/bin", name), "utf8"), name).toBe(after)
  })
})
