import { isNeverSent } from "./collect.ts"
import { ignoreRulesOf } from "./ignoreRules.ts"

/**
 * Tells whether a path (relative to `folder`, separated by `/`) is part of the source in `folder`, so that its snapshot includes it. Reads the
 * ignore files once, so create a new filter after they may have changed. Check one path at a time.
 */
export const sourceFilterOf = async (folder: string): Promise<(path: string) => Promise<boolean>> => {
  const { enter, isIgnored } = await ignoreRulesOf(folder)
  const entered = new Set<string>()
  return async (path) => {
    const parts = path.split("/")
    for (const index of parts.keys()) {
      const at = parts.slice(0, index + 1).join("/")
      const isFolder = index < parts.length - 1
      if (isNeverSent(at) || isIgnored(at, isFolder)) return false
      if (!isFolder || entered.has(at)) continue
      entered.add(at)
      await enter(at)
    }
    return true
  }
}
