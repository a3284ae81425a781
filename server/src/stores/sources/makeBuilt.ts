import { mkdir, rename, stat } from "node:fs/promises"
import { join } from "node:path"
import type { OrganizationId } from "@maxcloud/sdk/api"
import type { DiskWatch } from "../../base/disk/DiskWatch.ts"
import { exists } from "../../base/host/exists.ts"
import { nodeFolder } from "../../base/host/nodeFolder.ts"
import { removeTree } from "../../base/host/removeTree.ts"
import { sourceUsers } from "../../base/host/sourceUser.ts"
import { makeBuildAs } from "./buildAs.ts"
import { buildSource, builtFault, readBuilt } from "./buildSource.ts"
import { type BuiltSource, SourceError, type SourceToBuild } from "./SourceStore.ts"
import { setAside } from "./setAside.ts"
import { readSnapshot } from "./snapshotArchive.ts"
import { sourceErrorOf } from "./sourceErrors.ts"
import { foldersOf, openWay, sourcesIn } from "./sourceFolders.ts"
import type { SourceImages } from "./sourceImages.ts"
import { publish } from "./trees.ts"
import { digestOrDamaged } from "./wholeArchives.ts"

/** How often to check the free space during a build. */
const roomMs = 250

export interface SourceMakerOptions {
  readonly dataDirectory: string
  /** Identifies the server's own processes. */
  readonly marker: string
  readonly environment: NodeJS.ProcessEnv
  readonly images: SourceImages
  readonly disk: DiskWatch | undefined
}

export interface MakeRequest {
  readonly organizationId: OrganizationId
  readonly source: SourceToBuild
  /** The place of the result. */
  readonly place: string
  readonly progress: (line: string) => void
  readonly ending: AbortSignal
}

/** Prepares for unpacking and installing. Runs before the first build, because a server on a cluster does neither. */
const prepare = async (dataDirectory: string) => {
  const users = sourceUsers(dataDirectory)
  return {
    users,
    buildAs: users === undefined ? undefined : makeBuildAs(users),
    node: await nodeFolder(dataDirectory, users?.service)
  }
}

/** Builds a snapshot, unless its build exists and is intact. */
export const makeSourceMaker = (options: SourceMakerOptions) => {
  const { dataDirectory, disk, environment, images, marker } = options
  const root = sourcesIn(dataDirectory)
  const preparation: { current: ReturnType<typeof prepare> | undefined } = { current: undefined }
  const prepared = () => {
    preparation.current ??= prepare(dataDirectory).catch((cause) => {
      // A temporary fault must not stay for every later build.
      preparation.current = undefined
      throw cause
    })
    return preparation.current
  }

  const build = async (request: MakeRequest, box: string, ending: AbortSignal) => {
    const { place, progress, source } = request
    const { care, digest, ...how } = source
    const paths = foldersOf(root, request.organizationId, digest)
    const { buildAs, node, users } = await prepared()
    const tree = join(box, "tree")
    await mkdir(tree, { recursive: true, mode: 0o700 })
    await unpack(paths, digest, tree)
    const { damaged, dependencies } = paths
    const fresh = care === "fresh"
    const open = users !== undefined
    await buildSource(
      { box, tree, dependencies, damaged, fresh, marker, node, buildAs, environment, images, place, open },
      how,
      { ending, progress }
    )
  }

  return async (request: MakeRequest): Promise<BuiltSource> => {
    const { organizationId, place, progress, source } = request
    const { care = "quick", digest } = source
    const paths = foldersOf(root, organizationId, digest)
    const { users } = await prepared()
    const box = await paths.unfinished()
    if (users !== undefined) await openWay(root, paths.own, users.service)
    const fault = await builtFault(place, care === "fresh" ? "quick" : care, images.has)
    const hasArchive = await exists(paths.archive)
    if (fault === undefined && (care !== "fresh" || !hasArchive)) return await readBuilt(place)
    if (fault !== undefined && fault !== "gone")
      progress(`The built source is damaged on disk: ${fault}. Building it again.`)
    await disk?.require()
    if (!hasArchive)
      throw new SourceError({
        reason: "invalid",
        message: `The source snapshot ${digest} doesn't exist. Run \`maxcloud deploy\`, which uploads it.`
      })
    const noRoom = new AbortController()
    const roomCheck = setInterval(() => {
      void disk?.require().catch((cause) => noRoom.abort(sourceErrorOf(cause)))
    }, roomMs)
    try {
      await build(request, box, AbortSignal.any([request.ending, noRoom.signal]))
      await mkdir(paths.built, { recursive: true, mode: 0o755 })
      // Not before: others may still run from it.
      if (fault === undefined) await rename(place, join(box, "former"))
      else if (fault !== "gone") await setAside(place, paths.damaged)
      else await removeTree(place)
      // The rename makes it available, so nobody ever finds half of it.
      await publish(join(box, "done"), place)
      return await readBuilt(place)
    } finally {
      clearInterval(roomCheck)
      await removeClosed(box)
    }
  }
}

/** Sets aside an archive that doesn't match its name. One that only couldn't be unpacked right now stays. */
const unpack = async (
  { archive, damaged }: Pick<ReturnType<typeof foldersOf>, "archive" | "damaged">,
  digest: SourceToBuild["digest"],
  tree: string
): Promise<void> => {
  const unpacked = await digestOrDamaged(() => readSnapshot(archive, tree))
  if (unpacked === digest) return
  if ((await digestOrDamaged(() => readSnapshot(archive))) === digest)
    throw new SourceError({ reason: "unavailable", message: `Couldn't unpack the source ${digest}.` })
  await setAside(archive, damaged)
  throw new SourceError({
    reason: "invalid",
    message: `The archive of the source ${digest} is damaged on disk. Run \`maxcloud deploy\`, which uploads it again.`
  })
}

/** If it's still open to its installer, it has processes that couldn't be stopped. The next start removes it. */
const removeClosed = async (box: string): Promise<void> => {
  const isClosed = await stat(box).then(
    ({ mode }) => (mode & 0o070) === 0,
    () => false
  )
  if (isClosed) await removeTree(box).catch(() => undefined)
}
