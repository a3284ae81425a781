import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A folder with a Node service whose `start` script runs this program (CommonJS). */
export const makeSource = (program: string) => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-source-"))
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "app", scripts: { start: "node server.js" } }))
  writeFileSync(join(folder, "server.js"), program)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
