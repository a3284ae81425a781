import { randomBytes } from "node:crypto"
import { chmod, chown, mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises"
import { join } from "node:path"
import type { SourceDigest } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Schedule, Stream } from "effect"
import { DiskRefused, type DiskWatch } from "../../base/disk/DiskWatch.ts"
import { dataDirectoryId } from "../../base/host/dataDirectoryId.ts"
import { nodeFolder } from "../../base/host/nodeFolder.ts"
import { removeTree } from "../../base/host/removeTree.ts"
import { endAllOf, sourceUsers, type UnprivilegedUser } from "../../base/host/sourceUser.ts"
import { errorText, systemFaultOf } from "../../base/host/systemFault.ts"
import { sourceBytesOf } from "../../tenancy/limits/sourceBytes.ts"
import { makeBuildAs } from "./buildAs.ts"
import { buildSource, builtFault, readBuilt, variantOf } from "./buildSource.ts"
import { cleanDependencies } from "./dependencyCache.ts"
import { type BuiltSource, SourceError, SourceStore, type SourceToBuild } from "./SourceStore.ts"
import { cleanDamaged, setAside } from "./setAside.ts"
import { archiveLimit, readSnapshot } from "./snapshotArchive.ts"
import { makeSourceImages } from "./sourceImages.ts"
import { makeSourceRoom } from "./sourceRoom.ts"
import { exists, publish } from "./trees.ts"
import { digestOrDamaged, makeWholeArchives } from "./wholeArchives.ts"

export interface SourceStoreOptions {
  readonly dataDirectory: string
  /** Where the user's registry settings are. @default process.env */
  readonly environment?: NodeJS.ProcessEnv
  /** Says whether there is room for sources and what is built of them. @default there is */
  readonly disk?: DiskWatch | undefined
}

/** How often the room for a build is looked at while it goes on. */
const roomMs = 250

const isFull = (cause: unknown) =>
  cause instanceof DiskRefused || /^disk(Full|Quota)$/.test(systemFaultOf(cause)?.kind ?? "")

const sourceErrorOf = (cause: unknown): SourceError =>
  new SourceError({
    reason: isFull(cause) ? "diskFull" : "unavailable",
    message: `The source couldn't be kept. ${errorText(cause, "the server's data folder")}`,
    cause
  })

/** Sources in `<data folder>/sources/<organization>/`: `archives/`, `built/`, `dependencies/`, `damaged/`, and `unfinished/`, which a start empties. */
export const layer = (options: SourceStoreOptions): Layer.Layer<SourceStore, SourceError> =>
  Layer.scoped(
    SourceStore,
    Effect.gen(function* () {
      const { disk } = options
      const toSourceError = (cause: unknown): SourceError => {
        if (cause instanceof SourceError) return cause
        disk?.report(cause)
        return sourceErrorOf(cause)
      }
      const attempt = <A>(evaluate: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, SourceError> =>
        Effect.tryPromise({ try: evaluate, catch: toSourceError })
      const root = join(options.dataDirectory, "sources")
      const id = yield* attempt(async () => {
        await mkdir(root, { recursive: true, mode: 0o700 })
        const id = await dataDirectoryId(options.dataDirectory)
        for (const organization of await readdir(root)) {
          const unfinished = join(root, organization, "unfinished")
          const left = await readdir(unfinished).catch(() => [])
          // Installations of an earlier run may go on, and root is about to remove what they write.
          if (left.length > 0)
            for (const user of sourceUsers(options.dataDirectory)?.installers ?? []) await endAllOf(user)
          await removeTree(unfinished)
        }
        return id
      })

      const environment = options.environment ?? process.env
      const images = makeSourceImages(options.dataDirectory, id, environment)

      /** What only unpacking and installing take: a server on a cluster does neither. */
      const prepare = async () => {
        const users = sourceUsers(options.dataDirectory)
        return {
          users,
          buildAs: users === undefined ? undefined : makeBuildAs(users),
          node: await nodeFolder(options.dataDirectory, users?.service)
        }
      }
      let preparing: ReturnType<typeof prepare> | undefined
      const prepared = () => {
        preparing ??= prepare().catch((cause) => {
          // A fault that passes must not stay for every build that comes later.
          preparing = undefined
          throw cause
        })
        return preparing
      }

      /** As root: others may go through to what is theirs, and look at nothing; only services to the folders of snapshots. */
      const openWay = async (own: string, service: UnprivilegedUser) => {
        for (const path of [root, own, join(own, "unfinished")]) await chmod(path, 0o711)
        await chown(join(own, "built"), 0, service.gid)
        await chmod(join(own, "built"), 0o710)
      }

      const pathsOf = (organizationId: OrganizationId, digest: SourceDigest) => {
        const own = join(root, organizationId)
        const hex = digest.slice("sha256:".length)
        return {
          own,
          archive: join(own, "archives", `${hex}.tar.gz`),
          /** One for each way in which the snapshot is built: `app/`, and `built.json`, which says how it is run. */
          built: join(own, "built", hex),
          dependencies: join(own, "dependencies"),
          damaged: join(own, "damaged"),
          unfinished: async () => {
            for (const name of ["archives", "built", "dependencies", "unfinished"])
              await mkdir(join(own, name), { recursive: true, mode: 0o700 })
            return join(own, "unfinished", randomBytes(8).toString("hex"))
          }
        }
      }

      const archives = makeWholeArchives()
      const roomOf = makeSourceRoom((organizationId) => sourceBytesOf(options.dataDirectory, organizationId))

      const find = Effect.fn("SourceStore.find")(function* (organizationId: OrganizationId, digest: SourceDigest) {
        const { archive, damaged } = pathsOf(organizationId, digest)
        const found = yield* attempt(async () => {
          if (!(await exists(archive))) return undefined
          if (!(await archives.isWhole(archive, digest))) {
            await setAside(archive, damaged)
            return "damaged"
          }
          // Who asks is about to deploy it: as good as new, it is not collected before.
          const now = new Date()
          await utimes(archive, now, now)
          await archives.note(archive)
          return (await stat(archive)).size
        })
        if (found === "damaged")
          yield* Effect.logWarning(`The source archive ${archive} was damaged. It is in ${damaged} now.`)
        return typeof found === "number" ? Option.some(found) : Option.none()
      })

      const put = Effect.fn("SourceStore.put")(function* (
        organizationId: OrganizationId,
        digest: SourceDigest,
        archive: Stream.Stream<Uint8Array, unknown>,
        most?: number
      ) {
        const paths = pathsOf(organizationId, digest)
        if (disk !== undefined) yield* attempt(disk.require)
        const unfinished = yield* attempt(paths.unfinished)
        // What is there already takes no more room by being sent once more.
        const isThere = yield* attempt(() => exists(paths.archive))
        const room = yield* attempt(() => roomOf(organizationId, isThere ? undefined : most))
        let kept = 0
        const write = Effect.acquireUseRelease(
          attempt(() => open(unfinished, "wx", 0o600)),
          (file) => {
            let bytes = 0
            return archive.pipe(
              Stream.runForEach((chunk) =>
                attempt(async () => {
                  bytes += chunk.length
                  if (bytes > archiveLimit)
                    throw new SourceError({ reason: "tooLarge", message: "The archive has more than 256 MiB." })
                  room.take(chunk.length)
                  await disk?.require()
                  await file.writeFile(chunk)
                })
              ),
              Effect.mapError((cause) =>
                cause instanceof SourceError
                  ? cause
                  : new SourceError({ reason: "invalid", message: "The archive was not sent to its end.", cause })
              ),
              // Accepted means durable.
              Effect.zipRight(attempt(() => file.sync()))
            )
          },
          (file) => Effect.promise(() => file.close())
        )
        yield* write.pipe(
          Effect.zipRight(
            attempt(async () => {
              const found = await readSnapshot(unfinished)
              if (found !== digest)
                throw new SourceError({
                  reason: "invalid",
                  message: `The archive's digest is ${found}, not ${digest} as was said.`
                })
              const isNew = !(await exists(paths.archive))
              const { size } = await stat(unfinished)
              await rename(unfinished, paths.archive)
              await archives.note(paths.archive)
              if (isNew) kept = size
            })
          ),
          Effect.ensuring(Effect.promise(() => rm(unfinished, { force: true }))),
          Effect.ensuring(Effect.sync(() => room.leave(kept)))
        )
      })

      const make = async (
        organizationId: OrganizationId,
        { care = "quick", digest, ...how }: SourceToBuild,
        place: string,
        progress: (line: string) => void,
        unwanted: AbortSignal
      ): Promise<BuiltSource> => {
        const paths = pathsOf(organizationId, digest)
        const { buildAs, node, users } = await prepared()
        const box = await paths.unfinished()
        if (users !== undefined) await openWay(paths.own, users.service)
        const fault = await builtFault(place, care === "fresh" ? "quick" : care, images.has)
        const hasArchive = await exists(paths.archive)
        if (fault === undefined && (care !== "fresh" || !hasArchive)) return await readBuilt(place)
        if (fault !== undefined && fault !== "gone")
          progress(`The built source is damaged on disk: ${fault}. Building it again.`)
        await disk?.require()
        if (!hasArchive)
          throw new SourceError({
            reason: "invalid",
            message: `There is no source snapshot ${digest}. Run \`maxcloud deploy\`, which uploads it.`
          })
        const tree = join(box, "tree")
        const noRoom = new AbortController()
        const roomCheck = setInterval(() => {
          void disk?.require().catch((cause) => noRoom.abort(sourceErrorOf(cause)))
        }, roomMs)
        try {
          await mkdir(tree, { recursive: true, mode: 0o700 })
          const unpacked = await digestOrDamaged(() => readSnapshot(paths.archive, tree))
          if (unpacked !== digest) {
            if ((await digestOrDamaged(() => readSnapshot(paths.archive))) === digest)
              throw new SourceError({ reason: "unavailable", message: `The source ${digest} could not be unpacked.` })
            await setAside(paths.archive, paths.damaged)
            throw new SourceError({
              reason: "invalid",
              message: `The archive of the source ${digest} is damaged on disk. Run \`maxcloud deploy\`, which uploads it again.`
            })
          }
          await buildSource(
            {
              box,
              tree,
              dependencies: paths.dependencies,
              damaged: paths.damaged,
              fresh: care === "fresh",
              marker: id,
              node,
              buildAs,
              environment,
              images,
              place,
              open: users !== undefined
            },
            how,
            { ending: AbortSignal.any([ending.signal, unwanted, noRoom.signal]), progress }
          )
          await mkdir(paths.built, { recursive: true, mode: 0o755 })
          // Not before: others may still run from it.
          if (fault === undefined) await rename(place, join(box, "former"))
          else if (fault !== "gone") await setAside(place, paths.damaged)
          else await removeTree(place)
          // The rename into place is what makes it known: half of it never is.
          await publish(join(box, "done"), place)
          return await readBuilt(place)
        } finally {
          clearInterval(roomCheck)
          // One that is still open to its installer has processes that could not be ended: the next start removes it.
          const isClosed = await stat(box).then(
            ({ mode }) => (mode & 0o070) === 0,
            () => false
          )
          if (isClosed) await removeTree(box).catch(() => undefined)
        }
      }

      /** What is being made is made for all who wait for it, and is ended when the last of them has gone. */
      interface Making {
        readonly made: Promise<BuiltSource>
        readonly told: Set<(line: string) => void>
        readonly unwanted: AbortController
        readonly fresh: boolean
        waiting: number
      }
      const inMaking = new Map<string, Making>()
      const begin = (organizationId: OrganizationId, source: SourceToBuild, place: string): Making => {
        const told: Making["told"] = new Set()
        const unwanted = new AbortController()
        const tell = (line: string) => {
          for (const one of told) one(line)
        }
        const made = make(organizationId, source, place, tell, unwanted.signal).finally(() => inMaking.delete(place))
        const making: Making = { made, told, unwanted, fresh: source.care === "fresh", waiting: 0 }
        inMaking.set(place, making)
        return making
      }
      const waitFor = (making: Making, progress: ((line: string) => void) | undefined) =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            making.waiting++
            if (progress !== undefined) making.told.add(progress)
          }),
          () => attempt(() => making.made),
          () =>
            Effect.sync(() => {
              making.waiting--
              if (progress !== undefined) making.told.delete(progress)
              if (making.waiting === 0) making.unwanted.abort()
            })
        )
      const built = Effect.fn("SourceStore.built")(function* (
        organizationId: OrganizationId,
        source: SourceToBuild,
        progress?: (line: string) => void
      ) {
        const place = join(pathsOf(organizationId, source.digest).built, variantOf(source))
        for (;;) {
          const known = inMaking.get(place)
          const answers = known?.unwanted.signal.aborted !== true && (source.care !== "fresh" || known?.fresh !== false)
          if (answers) return yield* waitFor(known ?? begin(organizationId, source, place), progress)
          // Nobody wanted it any more, so it is being ended; or it may be what was there. That is no answer to who asks now.
          yield* Effect.promise(() => Promise.allSettled([known.made]))
        }
      })
      // Images go as their snapshots have gone; dependencies that no build uses any more go as well.
      const clean = async () => {
        await images.clean((place) => inMaking.has(place))
        for (const organization of await readdir(root)) {
          await cleanDependencies(join(root, organization, "dependencies"), join(root, organization, "unfinished"))
          await cleanDamaged(join(root, organization, "damaged"))
        }
      }
      yield* attempt(clean).pipe(
        Effect.catchAll((error) => Effect.logWarning(error.message)),
        Effect.delay("1 minute"),
        Effect.repeat(Schedule.spaced("1 hour")),
        Effect.forkScoped
      )
      const ending = new AbortController()
      yield* Effect.addFinalizer(() =>
        Effect.promise(() => {
          ending.abort()
          return Promise.allSettled([...inMaking.values()].map((_) => _.made))
        })
      )
      const isWhole = Effect.fn("SourceStore.isWhole")(function* (
        organizationId: OrganizationId,
        source: SourceToBuild
      ) {
        const place = join(pathsOf(organizationId, source.digest).built, variantOf(source))
        // What is being made is looked at by who makes it.
        if (inMaking.has(place)) return true
        return (yield* attempt(() => builtFault(place, "whole", images.has))) === undefined
      })
      return { find, put, built, isWhole }
    })
  )
