import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { removeTree } from "../../base/host/removeTree.ts"
import { errorText } from "../../base/host/systemFault.ts"
import { Remains, RemainsError, type Store } from "../../base/words/Remains.ts"
import { RuntimeStores } from "../../runtimes/port/RuntimeStores.ts"
import { countRepositories, removeRepositories } from "../../stores/registry/embedded/collection.ts"

const orNothing =
  <A>(nothing: A) =>
  (cause: NodeJS.ErrnoException): A => {
    if (cause.code === "ENOENT") return nothing
    throw cause
  }

const attempt = <A>(path: string, run: () => Promise<A>) =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      new RemainsError({
        message: `${path} couldn't be read or removed. ${errorText(cause, path)}`,
        cause
      })
  })

const countFiles = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(orNothing([]))
  return entries.filter((entry) => !entry.isDirectory()).length
}

/** Subfolders of the data folder, by organization. The id is a single folder name: its schema allows nothing else. */
const folders = (store: string, action: string, paths: ReadonlyArray<string>): Store => ({
  store,
  action,
  count: (organizationId) =>
    Effect.reduce(paths, 0, (sum, path) =>
      Effect.map(
        attempt(path, () => countFiles(join(path, organizationId))),
        (count) => sum + count
      )
    ),
  erase: (organizationId) =>
    Effect.forEach(paths, (path) => attempt(path, () => removeTree(join(path, organizationId))), { discard: true })
})

/** `Remains` in the data folder and the runtime's other stores. */
export const layer = ({ dataDir }: { readonly dataDir: string }) =>
  Layer.effect(
    Remains,
    Effect.map(RuntimeStores, (runtime) => ({
      stores: [
        ...runtime.stores,
        folders("logs", "log files of the data folder deleted", [join(dataDir, "logs"), join(dataDir, "cluster-logs")]),
        folders("sources", "source snapshots and their dependencies deleted", [join(dataDir, "sources")]),
        {
          store: "registry",
          action: "repositories of the embedded registry deleted",
          count: (organizationId) => attempt(dataDir, () => countRepositories(dataDir, organizationId)),
          erase: (organizationId) => attempt(dataDir, () => removeRepositories(dataDir, organizationId))
        }
      ],
      linesOfGone: runtime.linesOfGone,
      sources: (organizationId: OrganizationId) => {
        const folder = join(dataDir, "sources", organizationId, "archives")
        return attempt(folder, async () => {
          const names = await readdir(folder).catch(orNothing<ReadonlyArray<string>>([]))
          const archives = names.filter((name) => name.endsWith(".tar.gz")).sort()
          return Promise.all(
            archives.map(async (name) => ({
              digest: `sha256:${name.slice(0, -".tar.gz".length)}`,
              bytes: (await stat(join(folder, name))).size
            }))
          )
        })
      }
    }))
  )
