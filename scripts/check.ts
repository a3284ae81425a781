/** Checks format, lint and types before the tests. Import directions are tests (`scripts/floors`). */
import { spawnSync } from "node:child_process"

const steps: ReadonlyArray<readonly [string, string, ...Array<string>]> = [
  ["format and lint", "node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."],
  // Incremental: the next check reads only changed files.
  [
    "types",
    "node_modules/typescript/bin/tsc",
    ...["-p", "tsconfig.json", "--incremental", "--tsBuildInfoFile", "node_modules/.cache/types.tsbuildinfo"]
  ]
]

for (const [name, script, ...args] of steps) {
  console.log(`check: ${name}`)
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: "inherit" })
  if (status !== 0) {
    console.error(`check: ${name} failed`)
    process.exit(1)
  }
}
console.log("check: passed")
