import { type Build, dockerfileNames } from "@maxcloud/config-schema"
import { firstFile } from "./files.ts"

/**
 * The Dockerfile in a service's folder. It takes precedence over everything else in the folder (as on Cloud Run, Fly and Railway), unless the
 * config's `build` says how to build without it.
 */
export const dockerfileIn = async (folder: string, build: Build | undefined): Promise<string | undefined> =>
  build === undefined ? firstFile(folder, dockerfileNames) : undefined
