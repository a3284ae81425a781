import { type FSWatcher, watch } from "node:fs"
import { realpath } from "node:fs/promises"
import { basename, dirname, join, sep } from "node:path"
import { Chunk, Effect, Either, Queue } from "effect"
import { CommandFailed } from "../errors/failure.ts"
import { ignored, isBelow, type Subscribe, subscribeNatively, subscribeTree } from "./subscribeTree.ts"

/** Editors write and rename in several steps, so report a change only after this much quiet. */
const quietMs = 50
/** The longest wait, for an app that never stops writing. */
const longestBatchMs = 1_000

/** Changes of files below some folders, as absolute paths. */
export interface Watcher {
  /** The next changes, once nothing more comes. Fails if the system can't watch more files. */
  readonly next: Effect.Effect<ReadonlySet<string>, CommandFailed>
  /** Watches these folders and single files from now on, instead of the previous ones. A folder covers those inside it. */
  readonly watch: (folders: ReadonlyArray<string>, files?: ReadonlyArray<string>) => Effect.Effect<void, CommandFailed>
}

/** Files that no program reads as code: logs (maybe the output of `dev` itself), and temporary files of editors. */
const byTheWay = /(\.log|~|\.sw[a-z]|\.tmp)$/

const isRelevant = (path: string) => !byTheWay.test(path) && !path.split(sep).some((value) => ignored.has(value))

/** The folders that aren't inside another one of them. */
export const outermost = (folders: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(folders)].filter((value) => !folders.some((other) => other !== value && isBelow(value, other)))

const watchFailed = (folder: string, error: unknown) => {
  const message = error instanceof Error ? error.message : String(error)
  const isFull = /ENOSPC|EMFILE|No space left|Too many open files|max_user_/i.test(message)
  return new CommandFailed({
    tag: "WatchFailed",
    exit: 1,
    message: isFull
      ? `the system's limit of watched files is reached, so changes below ${folder} go unnoticed (${message})`
      : `changes below ${folder} go unnoticed: ${message}`,
    fix: isFull
      ? "raise the limit with `sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512`, then start again"
      : "check that you can read the folder, then start again"
  })
}

interface Open {
  readonly close: () => Promise<void>
}

/** A watcher that ignores everything below `except`, the server's data. */
export const makeWatcher = Effect.fn("makeWatcher")(function* (
  except: string,
  subscribe: Subscribe = subscribeNatively
) {
  const changes = yield* Queue.unbounded<Either.Either<string, CommandFailed>>()
  const open = new Map<string, Open>()
  const close = (key: string) => {
    const found = open.get(key)
    open.delete(key)
    return found === undefined ? Promise.resolve() : found.close().catch(() => undefined)
  }
  yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all([...open.keys()].map(close))))

  const changed = (file: string) => Queue.unsafeOffer(changes, Either.right(file))

  const openFolder = async (folder: string): Promise<void> => {
    const real = await realpath(folder).catch(() => undefined)
    // The folder doesn't exist yet. The config's folder is watched, so the next reload tries again.
    if (real === undefined) return
    const fail = (error: unknown) => void Queue.unsafeOffer(changes, Either.left(watchFailed(folder, error)))
    const told = (path: string) => {
      const inside = path.slice(real.length + 1)
      const file = join(folder, inside)
      if (isRelevant(inside) && !isBelow(file, except)) changed(file)
    }
    const close = await subscribeTree(subscribe, real, except, told, fail)
    open.set(folder, { close })
  }

  /** Watches a single file through its folder, because the system treats a replacement as another file. */
  const openFile = async (file: string): Promise<void> => {
    const watcher: FSWatcher = watch(dirname(file), { persistent: true })
    watcher.on("change", (_, name) => {
      if (name === null || String(name) === basename(file)) changed(file)
    })
    watcher.on("error", (error) => Queue.unsafeOffer(changes, Either.left(watchFailed(file, error))))
    open.set(file, { close: async () => watcher.close() })
  }

  const watchThese: Watcher["watch"] = (folders, files = []) =>
    Effect.gen(function* () {
      const outer = outermost(folders)
      const single = [...new Set(files)].filter((file) => !outer.some((folder) => isBelow(file, folder)))
      const wanted = new Set([...outer, ...single])
      for (const key of [...open.keys()]) if (!wanted.has(key)) yield* Effect.promise(() => close(key))
      for (const key of wanted) {
        if (open.has(key)) continue
        yield* Effect.tryPromise({
          try: () => (single.includes(key) ? openFile(key) : openFolder(key)),
          catch: (error) => watchFailed(key, error)
        })
      }
    })

  const next = Effect.gen(function* () {
    const batch = new Set([yield* Effect.flatten(Queue.take(changes))])
    for (let waited = 0; waited < longestBatchMs; waited += quietMs) {
      yield* Effect.sleep(quietMs)
      const more = yield* Queue.takeAll(changes)
      if (Chunk.isEmpty(more)) break
      for (const path of more) batch.add(yield* path)
    }
    return batch
  })

  const watcher: Watcher = { next, watch: watchThese }
  return watcher
})
