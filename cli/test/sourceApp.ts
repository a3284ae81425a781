import { execFile } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { makeBaseLayout } from "../../server/test/images/baseLayout.ts"
import { startTestRegistry } from "../../server/test/registry/testRegistry.ts"

export const writeFiles = (folder: string, files: Readonly<Record<string, string>>) => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

/** A registry with a base image for Node, as a mirror that a company has. */
export const startBases = async () => {
  const registry = await startTestRegistry()
  const layout = await makeBaseLayout({ node: true })
  const image = `${registry.host}/base/node:24`
  await promisify(execFile)("skopeo", [
    ...["copy", "--quiet", "--dest-tls-verify=false"],
    ...[`oci:${layout}:base`, `docker://${image}`]
  ])
  return { image, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() }
}
