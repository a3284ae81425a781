import { homedir } from "node:os"
import { join } from "node:path"
import { cacheFolder } from "../input/cacheFolder.ts"

/** The folder for dependencies that builds on this machine share. As root, builds run as another user, who can't enter root's home. */
export const buildCache = (environment: NodeJS.ProcessEnv, isRoot: boolean): string =>
  join(cacheFolder(environment, isRoot ? "/var/cache" : join(homedir(), ".cache")), "builds")
