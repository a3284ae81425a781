import { randomBytes } from "node:crypto"
import { createWriteStream } from "node:fs"
import { mkdir, readdir, symlink } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { pipeline } from "node:stream/promises"
import { BuildFailed, type BuiltFolder } from "@maxcloud/builder"
import type { Build } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { snapshotOf } from "@maxcloud/sdk/internal"
import { Effect, Either } from "effect"
import { dataDirectoryId } from "../../base/host/dataDirectoryId.ts"
import { removeTree } from "../../base/host/removeTree.ts"
import { closedTo, sourceUsers } from "../../base/host/sourceUser.ts"
import { cleanDependencies } from "../../stores/sources/dependencyCache.ts"
import { makeSourceMaker } from "../../stores/sources/makeBuilt.ts"
import { foldersOf, sourcesIn } from "../../stores/sources/sourceFolders.ts"
import type { SourceImages } from "../../stores/sources/sourceImages.ts"

/** Builds outside of a server belong to nobody. */
const nobody = OrganizationId.make(`org_${"0".repeat(32)}`)

const noDockerfiles: SourceImages = {
  build: () =>
    Promise.reject(
      new BuildFailed({
        reason: "invalid",
        message:
          "The source has a Dockerfile, which needs a container engine. Build it with `podman build --tag NAME .`, or set `build` in the config to build without it."
      })
    ),
  has: async () => false,
  clean: async () => undefined
}

export interface FolderToBuild {
  /** Absolute. */
  readonly folder: string
  readonly build: Build | undefined
  readonly hasCommand: boolean
  /** The folder for installed dependencies, which later builds use again. */
  readonly cache: string
  readonly environment: NodeJS.ProcessEnv
  readonly onLine: (line: string) => void
  readonly signal: AbortSignal
}

export interface TreeOfSource {
  /** A folder for unfinished files, which is removed afterwards. */
  readonly box: string
  readonly root: string
  /** Folders are relative to `root`. */
  readonly built: Omit<BuiltFolder, "cacheKeys">
  /** The digest of the source snapshot. */
  readonly source: string
  /** Files left out because they are secret by convention. */
  readonly leftOut: ReadonlyArray<string>
}

const isRunning = (pid: string): boolean => {
  try {
    return process.kill(Number(pid), 0)
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM"
  }
}

/** Removes what killed builds have left. */
const removeLeft = async (cache: string): Promise<void> => {
  for (const name of await readdir(cache)) {
    const pid = /^run-(\d+)-/.exec(name)?.[1]
    if (pid !== undefined && !isRunning(pid)) await removeTree(join(cache, name))
  }
}

/** A data folder for one build, with the dependencies that all builds share. */
const makeDataFolder = async (cache: string): Promise<string> => {
  const dependencies = join(cache, "dependencies")
  await mkdir(dependencies, { recursive: true, mode: 0o755 })
  await removeLeft(cache)
  const folder = join(cache, `run-${process.pid}-${randomBytes(4).toString("hex")}`)
  const own = join(sourcesIn(folder), nobody)
  await mkdir(own, { recursive: true, mode: 0o711 })
  await symlink(dependencies, join(own, "dependencies"))
  return folder
}

/** As root, builds run as another user, so that the project's scripts don't own this machine. */
const checkOpen = (cache: string, dataDirectory: string) => {
  const users = sourceUsers(dataDirectory)
  const closed = users === undefined ? undefined : closedTo(users.service, cache)
  if (closed === undefined) return
  throw new BuildFailed({
    reason: "invalid",
    message: `As root, builds run as another user, who can't enter ${closed}. Let all users enter it (chmod o+x), set XDG_CACHE_HOME to another folder, or run maxcloud as a user other than root.`
  })
}

/** Builds a folder as a server would, from a snapshot of it, lets `use` read the result, and removes it. */
export const withBuiltFolder = async <A>(
  { build, cache, environment, folder, hasCommand, onLine, signal }: FolderToBuild,
  use: (tree: TreeOfSource) => Promise<A>
): Promise<A> => {
  const found = await Effect.runPromise(Effect.either(snapshotOf(folder)), { signal })
  const snapshot = Either.getOrThrowWith(found, (cause) => cause)
  const dataDirectory = await makeDataFolder(cache)
  try {
    const marker = await dataDirectoryId(dataDirectory)
    checkOpen(cache, dataDirectory)
    const paths = foldersOf(sourcesIn(dataDirectory), nobody, snapshot.digest)
    await mkdir(dirname(paths.archive), { recursive: true, mode: 0o700 })
    await pipeline(snapshot.archive(), createWriteStream(paths.archive, { flags: "wx", mode: 0o600 }), { signal })
    const make = makeSourceMaker({ dataDirectory, marker, environment, images: noDockerfiles, disk: undefined })
    const place = join(paths.built, "image")
    const source = { digest: snapshot.digest, package: snapshot.cut?.package, build, hasCommand }
    const done = await make({ organizationId: nobody, source, place, progress: onLine, ending: signal })
    if ("image" in done) throw new Error("A build without a container engine has made an image.")
    const root = join(place, "app")
    const inTree = (path: string) => relative(root, path) || "."
    const built = { ...done, folder: inTree(done.folder), path: done.path.map(inTree) }
    return await use({ box: dataDirectory, root, built, source: snapshot.digest, leftOut: snapshot.leftOut })
  } finally {
    await removeTree(dataDirectory)
    await cleanDependencies(join(cache, "dependencies"), cache).catch(() => undefined)
  }
}
