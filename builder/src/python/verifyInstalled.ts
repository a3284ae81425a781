import { lstat, readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { isInside } from "../files.ts"
import { BuildFailed } from "../model.ts"

/** A line of a RECORD (PyPA, "Recording installed projects"): path, digest, size in bytes. Compiled files have no size. */
const line = /^(?:"((?:[^"]|"")+)"|([^",]+)),[^,]*,(\d{1,12})$/

const longestRecord = 16 * 2 ** 20

const sizeOf = (path: string): Promise<number | undefined> =>
  lstat(path).then(
    (stats) => (stats.isFile() ? stats.size : undefined),
    () => undefined
  )

const checkProject = async (packages: string, project: string): Promise<void> => {
  const record = join(packages, project, "RECORD")
  const length = await sizeOf(record)
  if (length === undefined || length > longestRecord) return
  for (const written of (await readFile(record, "utf8")).split(/\r?\n/)) {
    const [, quoted, plain, size] = line.exec(written) ?? []
    const path = quoted?.replaceAll('""', '"') ?? plain
    // Scripts beside the packages are rewritten when the environment moves.
    if (path === undefined || path.startsWith("/") || path.split("/").includes("..")) continue
    const found = await sizeOf(join(packages, path))
    if (found !== undefined && found >= Number(size)) continue
    throw new BuildFailed({
      reason: "unavailable",
      message: `The package manager reported success, but .venv has ${found ?? "no"} bytes of ${project.replace(/\.dist-info$/, "")}: ${path} instead of ${size}. The disk may have been full: free some space and deploy again.`
    })
  }
}

/** Checks that each package of the virtual environment in `folder` has the files that it listed at installation, with at least the same size. */
export const verifyInstalled = async (folder: string): Promise<void> => {
  const lib = join(folder, ".venv/lib")
  for (const version of await readdir(lib).catch(() => [])) {
    const packages = join(lib, version, "site-packages")
    for (const name of await readdir(packages).catch(() => []))
      if (name.endsWith(".dist-info") && (await isInside(folder, join(packages, name, "RECORD"))))
        await checkProject(packages, name)
  }
}
