import { existsSync } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import { join, sep } from "node:path"
import type { AsyncSubscription, SubscribeCallback } from "@parcel/watcher"

/** Names of folders to skip. */
export const ignored: ReadonlySet<string> = new Set(["node_modules", ".git", ".maxcloud"])

export type Subscribe = (
  folder: string,
  callback: SubscribeCallback,
  options: { readonly ignore: Array<string> }
) => Promise<AsyncSubscription>

export const subscribeNatively: Subscribe = async (folder, callback, options) =>
  (await import("@parcel/watcher")).subscribe(folder, callback, options)

export const isBelow = (path: string, folder: string) =>
  path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)

const globs = [...ignored].flatMap((value) => [`**/${value}`, `**/${value}/**`])

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false
  )

const filesIn = async function* (folder: string): AsyncGenerator<string> {
  for (const child of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (ignored.has(child.name)) continue
    const path = join(folder, child.name)
    if (child.isDirectory()) yield* filesIn(path)
    else yield path
  }
}

/**
 * Reports each changed path below `root`, a real path. On Linux, the watcher reports a folder that was moved here but not its contents,
 * and misses files that a new folder gets immediately. So subscribe to each new folder as well, and then read it.
 */
export const subscribeTree = async (
  subscribe: Subscribe,
  root: string,
  except: string,
  told: (path: string) => void,
  failed: (error: unknown) => void
): Promise<() => Promise<void>> => {
  const subscriptions = new Map<string, AsyncSubscription>()
  const drop = async (folder: string) => {
    const found = subscriptions.get(folder)
    subscriptions.delete(folder)
    await found?.unsubscribe().catch(() => undefined)
  }
  let closed = false

  const onEvents: SubscribeCallback = (error, events) => {
    if (error !== null) return failed(error)
    for (const { path, type } of events) {
      told(path)
      if (type === "create") void enter(path)
      if (type === "delete" && path !== root) void drop(path)
    }
  }
  const add = async (folder: string) => {
    const subscription = await subscribe(folder, onEvents, { ignore: [...globs, except] })
    if (closed) await subscription.unsubscribe()
    else subscriptions.set(folder, subscription)
  }
  const enter = async (path: string) => {
    if (path === except || isBelow(path, except) || subscriptions.has(path) || !(await isFolder(path))) return
    try {
      await add(path)
    } catch (error) {
      if (existsSync(path)) return failed(error)
    }
    for await (const file of filesIn(path)) told(file)
  }

  await add(root)
  return async () => {
    closed = true
    await Promise.all([...subscriptions.keys()].map(drop))
  }
}
