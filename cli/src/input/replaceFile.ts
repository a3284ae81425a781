import { chmod, type FileHandle, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { setTimeout } from "node:timers/promises"
import { errorCode } from "@maxcloud/sdk/credentials"
import { Effect } from "effect"

/** A lock older than this belongs to a writer that has crashed. */
const longestWriteMs = 10_000
const pauseMs = 20

/** Writes the new file next to the old one. Creating it exclusively makes this process the only writer, as git does. */
const begin = async (target: string): Promise<FileHandle> => {
  const beside = `${target}.new`
  let seen: { readonly since: number; readonly atMs: number } | undefined
  for (;;) {
    try {
      return await open(beside, "wx", 0o600)
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error
      const since = await stat(beside).then(
        (found) => found.mtimeMs,
        () => Date.now()
      )
      // Judge by the timestamp or by our own waiting time: if the clock was set back, the timestamp doesn't show the age.
      if (seen?.since !== since) seen = { since, atMs: performance.now() }
      const isLeft = Date.now() - since > longestWriteMs || performance.now() - seen.atMs > longestWriteMs
      if (isLeft) await rm(beside, { force: true })
      else await setTimeout(pauseMs)
    }
  }
}

export interface Replacement<E> {
  readonly file: string
  /** Whether only this user may enter the folder and read the file, whatever their modes were. Otherwise they keep their modes. */
  readonly isPrivate: boolean
  /** The error for a fault of the file system. */
  readonly failed: (error: unknown) => E
  /** The file's new text; undefined to keep the old one. No other writer of ours changes the file meanwhile. */
  readonly edit: Effect.Effect<string | undefined, E>
}

/** Replaces a file atomically: a reader sees either the old or the new one, complete. A new one is readable only by this user. */
export const replaceFile = <E>({ edit, failed, file, isPrivate }: Replacement<E>): Effect.Effect<void, E> => {
  const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: failed })
  return Effect.gen(function* () {
    // It may be a symbolic link, for example to a folder of dotfiles.
    const target = yield* attempt(async () => {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      if (isPrivate) await chmod(dirname(file), 0o700)
      return await realpath(file).catch(() => file)
    })
    const beside = `${target}.new`
    let isReplaced = false
    const handle = yield* Effect.acquireRelease(
      attempt(() => begin(target)),
      (handle) =>
        Effect.promise(async () => {
          await handle.close().catch(() => {})
          if (!isReplaced) await rm(beside, { force: true })
        })
    )
    const text = yield* edit
    if (text === undefined) return
    yield* attempt(async () => {
      const mode = isPrivate
        ? undefined
        : await stat(target).then(
            (found) => found.mode & 0o777,
            () => undefined
          )
      if (mode !== undefined) await handle.chmod(mode)
      await handle.writeFile(text)
      await handle.sync()
      await rename(beside, target)
      isReplaced = true
    })
  }).pipe(Effect.scoped)
}
