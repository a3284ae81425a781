import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"

/**
 * The folder for dependencies that builds on this machine share. As root, builds run as another user, who can't enter root's home (XDG Base Directory
 * Specification: a path that isn't absolute is ignored).
 */
export const buildCache = (environment: NodeJS.ProcessEnv, isRoot: boolean): string => {
  const written = environment["XDG_CACHE_HOME"] ?? ""
  const cache = isAbsolute(written) ? written : isRoot ? "/var/cache" : join(homedir(), ".cache")
  return join(cache, "maxcloud", "builds")
}
