import { type FSWatcher, watch } from "node:fs"
import { join, sep } from "node:path"
import { Chunk, Effect, Queue } from "effect"

const ignored = new Set(["node_modules", ".git", ".maxcloud"])

/** Editors write and rename in several steps: a change is told when this long nothing more came. */
const quietMs = 50

/** Changes of files below some folders, as absolute paths. */
export interface Watcher {
  /** The next changes, once it is quiet. */
  readonly next: Effect.Effect<ReadonlySet<string>>
  /** Watches these folders from now on, instead of those before. Folders inside another are covered by it. */
  readonly folders: (folders: ReadonlyArray<string>) => Effect.Effect<void>
}

/** What no program reads as its code: logs (the output of `dev` itself, maybe), and what editors leave while they save. */
const byTheWay = /(\.log|~|\.sw[a-z]|\.tmp)$/

const isRelevant = (path: string) => !byTheWay.test(path) && !path.split(sep).some((_) => ignored.has(_))

/** The folders that no other one of them contains. */
export const outermost = (folders: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(folders)].filter((_) => !folders.some((other) => other !== _ && _.startsWith(`${other}${sep}`)))

/** A watcher that sees nothing of what happens below `except`: the server's data. */
export const makeWatcher = Effect.fn("makeWatcher")(function* (except: string) {
  const changes = yield* Queue.unbounded<string>()
  const open = new Map<string, FSWatcher>()
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const watcher of open.values()) watcher.close()
    })
  )

  const openAt = (folder: string) => {
    try {
      const watcher = watch(folder, { recursive: true, persistent: true })
      watcher.on("change", (_, name) => {
        if (name === null) return
        const path = String(name)
        const file = join(folder, path)
        if (isRelevant(path) && !file.startsWith(`${except}${sep}`)) Queue.unsafeOffer(changes, file)
      })
      watcher.on("error", () => open.delete(folder))
      open.set(folder, watcher)
    } catch {
      // A folder that is not there yet: the config's own folder is watched, and the next reload tries again.
    }
  }

  const folders = (wanted: ReadonlyArray<string>) =>
    Effect.sync(() => {
      const outer = outermost(wanted)
      for (const [folder, watcher] of open) {
        if (outer.includes(folder)) continue
        watcher.close()
        open.delete(folder)
      }
      for (const folder of outer) if (!open.has(folder)) openAt(folder)
    })

  const next = Effect.gen(function* () {
    const changed = new Set([yield* Queue.take(changes)])
    for (;;) {
      yield* Effect.sleep(quietMs)
      const more = yield* Queue.takeAll(changes)
      if (Chunk.isEmpty(more)) return changed
      for (const path of more) changed.add(path)
    }
  })

  const watcher: Watcher = { next, folders }
  return watcher
})
