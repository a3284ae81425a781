import { lstat, readdir } from "node:fs/promises"
import { join } from "node:path"
import { Option, Schema } from "effect"

/**
 * The part of `node_modules` that is only for development. Learned once from the package manager's own pruning, so that later builds with the same
 * dependencies can just remove it.
 */
const Dropped = Schema.parseJson(Schema.Array(Schema.String))
const decode = Schema.decodeUnknownOption(Dropped)

export const dropped = (note: string | undefined): ReadonlyArray<string> | undefined =>
  note === undefined ? undefined : Option.getOrUndefined(decode(note))

/** Packages, their programs and stores, as names relative to `node_modules`, including nested ones. */
export const packagesIn = async (modules: string): Promise<ReadonlySet<string>> => {
  const found = new Set<string>()
  const enter = async (inside: string): Promise<void> => {
    const entries = await readdir(join(modules, inside), { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`
      found.add(path)
      if (!entry.isDirectory()) continue
      if (entry.name.startsWith("@") || [".bin", ".pnpm", "node_modules"].includes(entry.name)) await enter(path)
      else if (inside.endsWith(".pnpm") || (await isFolder(join(modules, path, "node_modules")))) {
        found.add(`${path}/node_modules`)
        await enter(`${path}/node_modules`)
      }
    }
  }
  await enter("")
  return found
}

const isFolder = (path: string) =>
  lstat(path).then(
    (stats) => stats.isDirectory(),
    () => false
  )

/** Paths in `before` but not in `after`, except those inside another removed path. */
export const droppedBetween = (before: ReadonlySet<string>, after: ReadonlySet<string>): ReadonlyArray<string> => {
  const gone = [...before].filter((value) => !after.has(value))
  const all = new Set(gone)
  const isInsideOther = (path: string) => {
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
      if (all.has(path.slice(0, at))) return true
    return false
  }
  return gone.filter((value) => !isInsideOther(value)).sort()
}
