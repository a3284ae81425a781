/**
 * Causes faults, one test file for each kind, and writes the outcomes into the table of docs/reliability.md. To run only some test files,
 * name them after `--`: `npm run test:chaos -- server/test/chaos/fullDisk.long.test.ts`.
 */
import { spawnSync } from "node:child_process"
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { outcomesVariable } from "../server/test/chaos/recordFault.ts"
import { keepFaults } from "./reliability/measured.ts"

/** Default tests that cause a fault of the table. */
const defaultTests = () =>
  globSync("{cli,server}/**/*.test.ts", { exclude: ["**/node_modules/**", "**/*.long.test.ts"] }).filter((file) =>
    readFileSync(file, "utf8").includes("recordFault(")
  )

const named = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), "maxcloud-faults-"))
const outcomes = join(folder, "outcomes.jsonl")
const run = (...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, args, { stdio: "inherit", env: { ...process.env, [outcomesVariable]: outcomes } })
    .status ?? 1
try {
  const status =
    named.length > 0
      ? run("scripts/test.ts", named.some((text) => text.includes(".long.")) ? "long" : "default", ...named)
      : run("scripts/test.ts", "long", "server/test/chaos/") || run("scripts/test.ts", "default", ...defaultTests())
  const found = existsSync(outcomes) ? keepFaults(readFileSync(outcomes, "utf8")) : []
  console.log(`\n${found.length} faults and their outcomes:`)
  for (const { fault, recovery, seconds, seen } of found) {
    console.log(`- ${fault}\n    ${seen}\n    ${recovery}${seconds === null ? "" : ` (${seconds} s)`}`)
  }
  process.exitCode = run("scripts/reliability/generateReliability.ts") || status
} finally {
  rmSync(folder, { recursive: true, force: true })
}
