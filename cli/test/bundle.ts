import { cpSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { build } from "esbuild"
import { bundles, optionsOf } from "../../scripts/bundles.ts"

const packageFolder = dirname(import.meta.dirname)

/** The CLI bundled as it is published, which starts several times faster than from its sources: the path of its program. */
export const bundleCli = async (): Promise<string> => {
  const folder = join(packageFolder, "node_modules", `.test-${process.pid}`)
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(packageFolder, "bin"), join(folder, "bin"), { recursive: true })
  cpSync(join(packageFolder, "package.json"), join(folder, "package.json"))
  await build({ ...optionsOf("cli", bundles.cli), outdir: join(folder, "dist"), logLevel: "error" })
  return join(folder, "bin", "maxcloud.js")
}
