/** Regenerates the references in docs/. Tests fail if one is outdated. */
import { spawnSync } from "node:child_process"
import { globSync } from "node:fs"

for (const script of globSync(["*/scripts/generate*.ts", "scripts/*/generate*.ts"])
  .filter((text) => !text.endsWith(".test.ts"))
  .sort()) {
  console.log(`generate: ${script}`)
  const { status } = spawnSync(process.execPath, [script], { stdio: "inherit" })
  if (status !== 0) process.exit(status ?? 1)
}
