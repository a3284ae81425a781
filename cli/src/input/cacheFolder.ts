import { isAbsolute, join } from "node:path"

/** max-cloud's folder in `$XDG_CACHE_HOME`, or in `otherwise` (XDG Base Directory Specification: a path that isn't absolute is ignored). */
export const cacheFolder = (environment: Readonly<Record<string, string | undefined>>, otherwise: string): string => {
  const written = environment["XDG_CACHE_HOME"] ?? ""
  return join(isAbsolute(written) ? written : otherwise, "maxcloud")
}
