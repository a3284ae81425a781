import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { buildNodeBase } from "../registry/scratchImage.ts"

const run = promisify(execFile)
const root = join(import.meta.dirname, "../../..")

/**
 * Builds the project's Containerfile under `tag` on this machine's Node, which stands in for the base image that no registry has
 * here. Needs the bundles (`node scripts/build.ts`).
 */
export const buildOwnImage = async (tag: string): Promise<void> => {
  const base = "localhost/maxcloud-test-base:1"
  await buildNodeBase(base)
  await run(process.execPath, [join(root, "scripts/image.ts")])
  await run("podman", [
    "build",
    "--quiet",
    "--build-arg",
    `BASE=${base}`,
    "--tag",
    tag,
    "--file",
    join(root, "Containerfile"),
    root
  ])
}
