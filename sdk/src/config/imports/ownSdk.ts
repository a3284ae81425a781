import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** From the sources, the published SDK, and the bundle of the `maxcloud` command. */
const places: Readonly<Record<string, ReadonlyArray<string>>> = {
  "@maxcloud/sdk/config": ["../../config.ts", "../../config.js", "../sdkConfig.js"],
  "@maxcloud/sdk/env": ["../../env.ts", "../../env.js", "../sdkEnv.js"]
}

/**
 * The `@maxcloud/sdk/config` or `@maxcloud/sdk/env` for a project that hasn't installed it: a repository in Python or Go needs no package.json for its config.
 * undefined: the program that reads the config doesn't bundle it.
 */
export const ownSdk = (specifier: string): string | undefined =>
  places[specifier]?.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((value) => existsSync(value))
