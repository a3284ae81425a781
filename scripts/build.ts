/**
 * Builds the published packages, each into its `dist/`: it compiles libraries file by file, and bundles the server and the CLI.
 * Each package gets a bill of materials and the licenses of its bundled code.
 */
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { bundle, bundles } from "./bundles.ts"
import { writeBills } from "./sbom/writeBills.ts"

const root = join(import.meta.dirname, "..")
const packages = ["config-schema", "synth", "sdk", "server", "cli"]
for (const name of packages) {
  rmSync(join(root, name, "dist"), { recursive: true, force: true })
  rmSync(join(root, name, "tsconfig.build.tsbuildinfo"), { force: true })
}

console.log("build: types and libraries")
const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-b", "server/tsconfig.build.json", "--force"],
  { cwd: root, stdio: "inherit" }
)
if (status !== 0) process.exit(status ?? 1)

const inputs = new Map<string, ReadonlyArray<string>>()
for (const [name, options] of Object.entries(bundles)) {
  console.log(`build: ${name}`)
  inputs.set(name, await bundle(name, options, true))
}

console.log("build: bills of materials")
writeBills(inputs)
