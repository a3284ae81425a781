import { readdir, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { exists } from "../../../base/host/exists.ts"
import { removeTree } from "../../../base/host/removeTree.ts"
import { errorCode } from "../../../base/node/errorCode.ts"
import { guardedBy } from "../../../base/node/guarded.ts"
import { blobFolderIn, registryFolderIn } from "./registryFiles.ts"
import { recordProcess, spawnRegistry } from "./registryProcess.ts"
import type { RegistryProgram } from "./registryProgram.ts"

/** Exists while blobs may be left that no repository refers to. */
const markIn = (dataDir: string) => join(registryFolderIn(dataDir), "collect")
/** The mark of the collection that runs. Another organization may be erased, and marked, meanwhile. */
const takenMarkIn = (dataDir: string) => join(registryFolderIn(dataDir), "collecting")

const repositoriesOf = (dataDir: string, organizationId: string) =>
  join(blobFolderIn(dataDir), "docker/registry/v2/repositories", organizationId)

const absent = (cause: unknown) => {
  if (errorCode(cause) === "ENOENT") return true
  throw cause
}

/** The number of an organization's repositories. */
export const countRepositories = (dataDir: string, organizationId: string): Promise<number> =>
  readdir(repositoriesOf(dataDir, organizationId)).then(
    (names) => names.length,
    (cause) => Number(!absent(cause))
  )

/** Removes an organization's repositories. The next collection removes the blobs that only they had. */
export const removeRepositories = async (dataDir: string, organizationId: string): Promise<void> => {
  const folder = repositoriesOf(dataDir, organizationId)
  if (!(await exists(folder))) return
  const mark = () => writeFile(markIn(dataDir), "", { mode: 0o600 })
  // Before, because of a crash in between, and afterwards, because a collection may have begun in between.
  await mark()
  await removeTree(folder)
  await mark()
}

export const isCollectionDue = async (dataDir: string): Promise<boolean> =>
  (await exists(markIn(dataDir))) || (await exists(takenMarkIn(dataDir)))

/**
 * Removes the blobs that no manifest refers to, tagged or not: a deployment refers to its manifest by digest. Only while no registry
 * runs: a blob that is pushed meanwhile would be lost, and a running registry would still believe that it has it.
 */
export const collectGarbage = async (program: RegistryProgram, dataDir: string, config: string): Promise<void> => {
  await rename(markIn(dataDir), takenMarkIn(dataDir)).catch(absent)
  const child = await spawnRegistry(program, dataDir, ["garbage-collect", config], "ignore")
  const ended = new Promise<number | null>((resolve) => child.once("exit", guardedBy(() => {})(resolve)))
  await recordProcess(dataDir, child.pid ?? 0)
  const code = await ended
  if (code !== 0) throw new Error(`\`${program.path} garbage-collect ${config}\` exited with code ${code}.`)
  await rm(takenMarkIn(dataDir), { force: true })
}
