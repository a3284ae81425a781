import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** The paths in the sources, the published SDK, and the bundle of the `maxcloud` command. */
const places: Readonly<Record<string, ReadonlyArray<string>>> = {
  "@maxcloud/sdk/config": ["../../config.ts", "../../config.js", "../sdkConfig.js"],
  "@maxcloud/sdk/env": ["../../env.ts", "../../env.js", "../sdkEnv.js"]
}

/**
 * Provides `@maxcloud/sdk/config` and `@maxcloud/sdk/env` to projects that haven't installed the SDK, so that a Python or Go repository needs no
 * package.json for its config. undefined if the program that reads the config doesn't bundle it.
 */
export const ownSdk = (specifier: string): string | undefined =>
  places[specifier]?.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((value) => existsSync(value))
