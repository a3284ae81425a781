import { execFile } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { temporaryFolder } from "../../../sdk/test/temporaryFolder.ts"

const root = join(import.meta.dirname, "../../..")

/** A copy of an example, as for a reader who has installed its package.json's packages. */
export const exampleFolder = (name: string): string => {
  const folder = temporaryFolder("maxcloud-example-")
  chmodSync(folder, 0o755)
  cpSync(join(root, "examples", name), folder, { recursive: true })
  const { devDependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  for (const dependency of Object.keys(devDependencies)) {
    const link = join(folder, "node_modules", dependency)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, dependency.replace("@maxcloud/", "")), link)
  }
  return folder
}

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program of an example with this Node. */
export const runExample = (
  folder: string,
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string | undefined>>
) =>
  new Promise<Ended>((resolve) => {
    const { GITHUB_TOKEN: _, NODE_TEST_CONTEXT: __, ...own } = process.env
    execFile(
      process.execPath,
      [...args],
      { cwd: folder, env: { ...own, ...environment }, timeout: 150_000 },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : 1, stdout, stderr })
    )
  })
