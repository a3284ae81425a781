import { type Build, dockerfileNames } from "@maxcloud/config-schema"
import { firstFile } from "./files.ts"

/**
 * The file in a service's folder that says how its image is made. It goes before everything else that the folder may be (as at Cloud Run,
 * Fly and Railway), unless the config's `build` says how to build without it.
 */
export const dockerfileIn = async (folder: string, build: Build | undefined): Promise<string | undefined> =>
  build === undefined ? firstFile(folder, dockerfileNames) : undefined
