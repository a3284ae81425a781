import { type FileHandle, open, rename, rm, stat, utimes } from "node:fs/promises"
import type { SourceDigest } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Option, Stream } from "effect"
import type { DiskWatch } from "../../base/disk/DiskWatch.ts"
import { exists } from "../../base/host/exists.ts"
import { SourceError } from "./SourceStore.ts"
import { setAside } from "./setAside.ts"
import { archiveLimit, readSnapshot } from "./snapshotArchive.ts"
import type { Attempt } from "./sourceErrors.ts"
import { foldersOf } from "./sourceFolders.ts"
import type { makeSourceRoom } from "./sourceRoom.ts"
import type { makeWholeArchives } from "./wholeArchives.ts"

type WholeArchives = ReturnType<typeof makeWholeArchives>
type RoomOf = ReturnType<typeof makeSourceRoom>

/** Size of the archive, if it exists and is intact. */
export const findArchive = (
  root: string,
  attempt: Attempt,
  archives: WholeArchives,
  organizationId: OrganizationId,
  digest: SourceDigest
) =>
  Effect.gen(function* () {
    const { archive, damaged } = foldersOf(root, organizationId, digest)
    const found = yield* attempt(async () => {
      if (!(await exists(archive))) return undefined
      if (!(await archives.isWhole(archive, digest))) {
        await setAside(archive, damaged)
        return "damaged"
      }
      // The caller is about to deploy it, so refresh its time: it must not be collected before.
      const now = new Date()
      await utimes(archive, now, now)
      await archives.note(archive)
      return (await stat(archive)).size
    })
    if (found === "damaged")
      yield* Effect.logWarning(`The source archive ${archive} was damaged. It's in ${damaged} now.`)
    return typeof found === "number" ? Option.some(found) : Option.none()
  })

export interface ArchiveToPut {
  readonly organizationId: OrganizationId
  readonly digest: SourceDigest
  readonly archive: Stream.Stream<Uint8Array, unknown>
  readonly most: number | undefined
}

/** Streams an archive to disk, checks its digest, and only then makes it available. */
export const putArchive = (
  root: string,
  attempt: Attempt,
  archives: WholeArchives,
  roomOf: RoomOf,
  disk: DiskWatch | undefined,
  { archive, digest, most, organizationId }: ArchiveToPut
) =>
  Effect.gen(function* () {
    const paths = foldersOf(root, organizationId, digest)
    if (disk !== undefined) yield* attempt(disk.require)
    const unfinished = yield* attempt(paths.unfinished)
    // An archive that exists takes no more room if it's uploaded again.
    const isThere = yield* attempt(() => exists(paths.archive))
    const room = yield* attempt(() => roomOf(organizationId, isThere ? undefined : most))
    let kept = 0
    const write = Effect.acquireUseRelease(
      attempt(() => open(unfinished, "wx", 0o600)),
      (file) => writeStream(file, archive, attempt, room.take, disk),
      (file) => Effect.promise(() => file.close())
    )
    const publish = attempt(async () => {
      const found = await readSnapshot(unfinished)
      if (found !== digest)
        throw new SourceError({
          reason: "invalid",
          message: `The archive's digest is ${found}, but ${digest} was announced.`
        })
      const isNew = !(await exists(paths.archive))
      const { size } = await stat(unfinished)
      await rename(unfinished, paths.archive)
      await archives.note(paths.archive)
      if (isNew) kept = size
    })
    yield* Effect.zipRight(write, publish).pipe(
      Effect.ensuring(Effect.promise(() => rm(unfinished, { force: true }))),
      Effect.ensuring(Effect.sync(() => room.leave(kept)))
    )
  })

const writeStream = (
  file: FileHandle,
  archive: Stream.Stream<Uint8Array, unknown>,
  attempt: Attempt,
  take: (bytes: number) => void,
  disk: DiskWatch | undefined
) => {
  let bytes = 0
  return archive.pipe(
    Stream.runForEach((chunk) =>
      attempt(async () => {
        bytes += chunk.length
        if (bytes > archiveLimit)
          throw new SourceError({ reason: "tooLarge", message: "The archive has more than 256 MiB." })
        take(chunk.length)
        await disk?.require()
        await file.writeFile(chunk)
      })
    ),
    Effect.mapError((cause) =>
      cause instanceof SourceError
        ? cause
        : new SourceError({ reason: "invalid", message: "The archive's upload is incomplete.", cause })
    ),
    // Accepted means durable.
    Effect.zipRight(attempt(() => file.sync()))
  )
}
