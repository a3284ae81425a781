/** Writes the alerts, their tests, their runbooks and the dashboards. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { monitoringFiles } from "./files.ts"

const root = join(import.meta.dirname, "../..")
for (const folder of ["monitoring", "docs/runbooks"]) rmSync(join(root, folder), { recursive: true, force: true })
for (const [path, text] of Object.entries(monitoringFiles())) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
