import { mkdir, readdir } from "node:fs/promises"
import { join } from "node:path"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import type { DiskWatch } from "../../base/disk/DiskWatch.ts"
import { dataDirectoryId } from "../../base/host/dataDirectoryId.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import { sourceBytesOf } from "../../tenancy/limits/sourceBytes.ts"
import { builtFault, variantOf } from "./buildSource.ts"
import { cleanDependencies } from "./dependencyCache.ts"
import { findArchive, putArchive } from "./keepArchive.ts"
import { makeSourceMaker } from "./makeBuilt.ts"
import { type SourceError, SourceStore, type SourceToBuild } from "./SourceStore.ts"
import { cleanDamaged } from "./setAside.ts"
import { makeSharedBuilds } from "./sharedBuilds.ts"
import { makeAttempt } from "./sourceErrors.ts"
import { foldersOf, removeUnfinished, sourcesIn } from "./sourceFolders.ts"
import { makeSourceImages, type SourceImages } from "./sourceImages.ts"
import { makeSourceRoom } from "./sourceRoom.ts"
import { makeWholeArchives } from "./wholeArchives.ts"

export interface SourceStoreOptions {
  readonly dataDirectory: string
  /** Environment that names the user's registry settings. @default process.env */
  readonly environment?: NodeJS.ProcessEnv
  /** Checks whether there's room for sources and their builds. @default always */
  readonly disk?: DiskWatch | undefined
}

/** Removes images once their snapshots are gone, and dependencies that no build uses any more. */
const clean = async (root: string, images: SourceImages, inMaking: (place: string) => boolean) => {
  await images.clean(inMaking)
  for (const organization of await readdir(root)) {
    await cleanDependencies(join(root, organization, "dependencies"), join(root, organization, "unfinished"))
    await cleanDamaged(join(root, organization, "damaged"))
  }
}

const make = ({ dataDirectory, disk, environment = process.env }: SourceStoreOptions) =>
  Effect.gen(function* () {
    const attempt = makeAttempt(disk)
    const root = sourcesIn(dataDirectory)
    const marker = yield* attempt(async () => {
      await mkdir(root, { recursive: true, mode: 0o700 })
      const id = await dataDirectoryId(dataDirectory)
      await removeUnfinished(dataDirectory)
      return id
    })
    const images = makeSourceImages(dataDirectory, marker, environment)
    const makeBuilt = makeSourceMaker({ dataDirectory, marker, environment, images, disk })
    const builds = makeSharedBuilds(attempt)
    const archives = makeWholeArchives()
    const roomOf = makeSourceRoom((organizationId) => sourceBytesOf(dataDirectory, organizationId))
    const placeOf = (organizationId: OrganizationId, source: SourceToBuild) =>
      join(foldersOf(root, organizationId, source.digest).built, variantOf(source))

    yield* keepDoing(
      "cleaning of sources",
      { every: "1 hour", after: "1 minute" },
      attempt(() => clean(root, images, builds.has))
    )
    yield* Effect.addFinalizer(() => builds.endAll)

    return SourceStore.of({
      find: Effect.fn("SourceStore.find")((organizationId, digest) =>
        findArchive(root, attempt, archives, organizationId, digest)
      ),
      put: Effect.fn("SourceStore.put")((organizationId, digest, archive, most) =>
        putArchive(root, attempt, archives, roomOf, disk, { organizationId, digest, archive, most })
      ),
      built: Effect.fn("SourceStore.built")((organizationId, source, progress) => {
        const place = placeOf(organizationId, source)
        const begin = (tell: (line: string) => void, ending: AbortSignal) =>
          makeBuilt({ organizationId, source, place, progress: tell, ending })
        return builds.wait(place, source.care === "fresh", begin, progress)
      }),
      isWhole: Effect.fn("SourceStore.isWhole")(function* (organizationId, source) {
        const place = placeOf(organizationId, source)
        // The maker of a running build checks it itself.
        if (builds.has(place)) return true
        return (yield* attempt(() => builtFault(place, "whole", images.has))) === undefined
      })
    })
  })

/**
 * Sources in `<data folder>/sources/<organization>/`: `archives/`, `built/`, `dependencies/`, `damaged/`, and
 * `unfinished/`, which a start empties.
 */
export const layer = (options: SourceStoreOptions): Layer.Layer<SourceStore, SourceError> =>
  Layer.scoped(SourceStore, make(options))
