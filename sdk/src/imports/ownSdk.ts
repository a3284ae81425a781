import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** From the sources, the published SDK, and the bundle of the `maxcloud` command. */
const places = ["../config.ts", "../config.js", "../sdkConfig.js"]

/**
 * What `@maxcloud/sdk/config` is for a project that hasn't installed it: a repository in Python or Go needs no package.json for its config.
 * undefined: whoever reads the config doesn't bring it.
 */
export const ownSdk = (specifier: string): string | undefined =>
  specifier === "@maxcloud/sdk/config"
    ? places.map((_) => fileURLToPath(new URL(_, import.meta.url))).find((_) => existsSync(_))
    : undefined
