import { randomBytes } from "node:crypto"
import {
  chmod,
  chown,
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes
} from "node:fs/promises"
import { join } from "node:path"
import type { SourceDigest } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Stream } from "effect"
import { dataDirectoryId } from "../instances/dataDirectoryId.ts"
import { nodeFolder } from "../instances/processes.ts"
import { endAllOf, sourceUsers, type UnprivilegedUser } from "../instances/sourceUser.ts"
import { type Installer, install, installationOf } from "./dependencies.ts"
import { makeInstallAs } from "./installAs.ts"
import { removeTree } from "./removeTree.ts"
import { SourceError, SourceStore } from "./SourceStore.ts"
import { archiveLimit, readSnapshot } from "./snapshotArchive.ts"
import { sourceBytesOf } from "./sourceBytes.ts"
import { makeSourceRoom } from "./sourceRoom.ts"

export interface SourceStoreOptions {
  readonly dataDirectory: string
  /** Where the user's registry settings are. @default process.env */
  readonly environment?: NodeJS.ProcessEnv
}

const toSourceError = (cause: unknown): SourceError =>
  cause instanceof SourceError
    ? cause
    : new SourceError({
        reason: "unavailable",
        message: `The source could not be kept on disk: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause
      })

const attempt = <A>(evaluate: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, SourceError> =>
  Effect.tryPromise({ try: evaluate, catch: toSourceError })

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (cause) => {
      if (cause.code === "ENOENT") return false
      throw cause
    }
  )

/**
 * Takes the right to write from all files and folders, so that a snapshot stays what its digest says. With `open`, whoever reaches them may read
 * and run what their owner may.
 */
const makeReadOnly = async (path: string, open: boolean): Promise<void> => {
  const found = await lstat(path)
  if (found.isSymbolicLink()) return
  if (found.isDirectory()) for (const name of await readdir(path)) await makeReadOnly(join(path, name), open)
  const mode = found.mode & 0o555
  await chmod(path, open ? mode | 0o444 | ((mode & 0o100) === 0 ? 0 : 0o111) : mode)
}

/** A second tree of the same files by hard links, copied where the disk has none. */
const linkTree = async (source: string, target: string): Promise<void> => {
  await mkdir(target)
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)]
    if (entry.isDirectory()) await linkTree(from, to)
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to)
    else await link(from, to).catch(() => copyFile(from, to))
  }
}

/** Renames a finished tree into place; who came first wins, for both are the same. */
const publish = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to)
  } catch (cause) {
    if (!(await exists(to))) throw cause
    await removeTree(from)
  }
}

/** Sources in `<data folder>/sources/<organization>/`: `archives/`, `folders/`, `dependencies/`, and `unfinished/`, which a start empties. */
export const layer = (options: SourceStoreOptions): Layer.Layer<SourceStore, SourceError> =>
  Layer.scoped(
    SourceStore,
    Effect.gen(function* () {
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

      /** What only unpacking and installing take: a server on a cluster does neither. */
      const prepare = async () => {
        const users = sourceUsers(options.dataDirectory)
        return {
          users,
          installAs: users === undefined ? undefined : makeInstallAs(users),
          node: await nodeFolder(options.dataDirectory, users?.service)
        }
      }
      let preparing: ReturnType<typeof prepare> | undefined
      const prepared = () => {
        preparing ??= prepare()
        return preparing
      }

      /** As root: others may go through to what is theirs, and look at nothing; only services to the folders of snapshots. */
      const openWay = async (own: string, service: UnprivilegedUser) => {
        for (const path of [root, own, join(own, "unfinished")]) await chmod(path, 0o711)
        await chown(join(own, "folders"), 0, service.gid)
        await chmod(join(own, "folders"), 0o710)
      }

      const pathsOf = (organizationId: OrganizationId, digest: SourceDigest) => {
        const own = join(root, organizationId)
        const hex = digest.slice("sha256:".length)
        return {
          own,
          archive: join(own, "archives", `${hex}.tar.gz`),
          folder: join(own, "folders", hex),
          dependencies: (key: string) => join(own, "dependencies", key),
          unfinished: async () => {
            for (const name of ["archives", "folders", "dependencies", "unfinished"])
              await mkdir(join(own, name), { recursive: true, mode: 0o700 })
            return join(own, "unfinished", randomBytes(8).toString("hex"))
          }
        }
      }

      const roomOf = makeSourceRoom((organizationId) => sourceBytesOf(options.dataDirectory, organizationId))

      const find = Effect.fn("SourceStore.find")(function* (organizationId: OrganizationId, digest: SourceDigest) {
        const { archive } = pathsOf(organizationId, digest)
        return yield* attempt(() =>
          stat(archive).then(
            async ({ size }) => {
              // Who asks is about to deploy it: as good as new, it is not collected before.
              const now = new Date()
              await utimes(archive, now, now)
              return Option.some(size)
            },
            (cause) => {
              if (cause.code === "ENOENT") return Option.none()
              throw cause
            }
          )
        )
      })

      const put = Effect.fn("SourceStore.put")(function* (
        organizationId: OrganizationId,
        digest: SourceDigest,
        archive: Stream.Stream<Uint8Array, unknown>,
        most?: number
      ) {
        const paths = pathsOf(organizationId, digest)
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
              if (isNew) kept = size
            })
          ),
          Effect.ensuring(Effect.promise(() => rm(unfinished, { force: true }))),
          Effect.ensuring(Effect.sync(() => room.leave(kept)))
        )
      })

      const installInto = async (
        box: string,
        folder: string,
        paths: ReturnType<typeof pathsOf>,
        signal: AbortSignal
      ): Promise<void> => {
        const installation = await installationOf(folder)
        if (installation === undefined) return
        const { cacheKey } = installation
        const target = join(folder, "node_modules")
        if (cacheKey !== undefined && (await exists(paths.dependencies(cacheKey)))) {
          await removeTree(target)
          return linkTree(paths.dependencies(cacheKey), target)
        }
        const marker = `${id}/install-${randomBytes(8).toString("hex")}`
        const { installAs, node, users } = await prepared()
        const run = (installer?: Installer) => {
          const environment = options.environment ?? process.env
          return install(folder, installation, { environment, nodeFolder: node, marker, installer, signal })
        }
        await (installAs === undefined ? run() : installAs(box, folder, run))
        if (cacheKey === undefined || !(await exists(target))) return
        const unfinished = await paths.unfinished()
        await makeReadOnly(target, users !== undefined)
        await linkTree(target, unfinished)
        await publish(unfinished, paths.dependencies(cacheKey))
      }

      const make = async (
        organizationId: OrganizationId,
        digest: SourceDigest,
        signal: AbortSignal
      ): Promise<string> => {
        const paths = pathsOf(organizationId, digest)
        const { users } = await prepared()
        const box = await paths.unfinished()
        if (users !== undefined) await openWay(paths.own, users.service)
        if (await exists(paths.folder)) return paths.folder
        if (!(await exists(paths.archive)))
          throw new SourceError({
            reason: "invalid",
            message: `There is no source snapshot ${digest}: upload it before it is deployed.`
          })
        const unfinished = join(box, "tree")
        try {
          await mkdir(unfinished, { recursive: true, mode: 0o700 })
          if ((await readSnapshot(paths.archive, unfinished)) !== digest)
            throw new SourceError({ reason: "unavailable", message: `The archive of ${digest} is damaged on disk.` })
          await installInto(box, unfinished, paths, signal)
          await makeReadOnly(unfinished, users !== undefined)
          // A folder can be moved to another only by who may write to it.
          await chmod(unfinished, 0o755)
          await publish(unfinished, paths.folder)
          await chmod(paths.folder, 0o555)
          return paths.folder
        } finally {
          // One that is still open to its installer has processes that could not be ended: the next start removes it.
          const isClosed = await stat(box).then(
            ({ mode }) => (mode & 0o070) === 0,
            () => false
          )
          if (isClosed) await removeTree(box).catch(() => undefined)
        }
      }

      // What is being made is made for all who ask meanwhile, so none of them alone may interrupt it.
      const inMaking = new Map<string, Promise<string>>()
      const folder = Effect.fn("SourceStore.folder")(function* (organizationId: OrganizationId, digest: SourceDigest) {
        const key = `${organizationId}/${digest}`
        return yield* attempt(() => {
          const known = inMaking.get(key)
          if (known !== undefined) return known
          const making = make(organizationId, digest, ending.signal).finally(() => inMaking.delete(key))
          inMaking.set(key, making)
          return making
        })
      })
      const ending = new AbortController()
      yield* Effect.addFinalizer(() =>
        Effect.promise(() => {
          ending.abort()
          return Promise.allSettled(inMaking.values())
        })
      )
      return { find, put, folder }
    })
  )
