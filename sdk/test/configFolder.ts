import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect } from "@effect/vitest"
import { ConfigInvalid, loadConfig, renderIssue } from "../src/index.ts"

/** The imports at the start of a config. */
export const imports = `import { defineConfig, secret, service, text } from "@maxcloud/sdk/config"\n`

/** A folder with `@maxcloud/sdk` installed, for configs and their imports. */
export const makeConfigFolder = async () => {
  const root = await realpath(await mkdtemp(join(tmpdir(), "maxcloud-config-")))
  const sdk = fileURLToPath(new URL("..", import.meta.url))
  await mkdir(join(root, "node_modules/@maxcloud"), { recursive: true })
  await symlink(sdk, join(root, "node_modules/@maxcloud/sdk"))
  return {
    root,
    /** Writes files, by their paths in the folder. A value `-> target` creates a link to that path. */
    write: async (files: Readonly<Record<string, string | Uint8Array>>) => {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(root, path)), { recursive: true })
        if (typeof content === "string" && content.startsWith("-> "))
          await symlink(join(root, content.slice(3)), join(root, path))
        else await writeFile(join(root, path), content)
      }
    },
    /** The lines that a user sees. */
    failure: async (file: string): Promise<ReadonlyArray<string>> => {
      const error = await loadConfig({ folder: root, file }).then(
        () => expect.unreachable("it loads"),
        (found: unknown) => found
      )
      if (!(error instanceof ConfigInvalid)) throw error
      return error.issues.map((issue) => renderIssue(issue, root))
    },
    remove: () => rm(root, { recursive: true })
  }
}
