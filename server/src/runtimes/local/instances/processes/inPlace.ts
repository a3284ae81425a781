import { existsSync } from "node:fs"
import { delimiter, dirname, isAbsolute, join } from "node:path"
import { devStart } from "@maxcloud/builder"
import type { InstanceSpec } from "../Instance.ts"
import type { Development } from "./Development.ts"
import type { ProgramPlace } from "./ProgramPlace.ts"

/** `node_modules/.bin` of the folder and its parents, as in `npm run`: a workspace has its programs at its root. */
const programFolders = (folder: string): ReadonlyArray<string> => {
  const bin = join(folder, "node_modules/.bin")
  const above = dirname(folder)
  return [...(existsSync(bin) ? [bin] : []), ...(above === folder ? [] : programFolders(above))]
}

type InPlace = Extract<InstanceSpec["program"], { readonly kind: "directory" }>

/** A folder that runs in place. Rejects with `BuildFailed` if its package.json is unreadable. */
export const placeOf = async (
  { directory, script }: InPlace,
  development: Development | undefined
): Promise<ProgramPlace> => {
  const dev = script === undefined ? undefined : await devStart(directory)
  const own = development?.environment(directory)
  return {
    folder: directory,
    ...(dev === undefined ? {} : { start: dev.start, portArguments: dev.portArguments }),
    ...(dev === undefined && development === undefined ? {} : { path: programFolders(directory) }),
    ...(development === undefined
      ? {}
      : {
          // A relative folder on the PATH would be a different one for each service.
          shell: { path: development.path.split(delimiter).filter(isAbsolute), home: development.home }
        }),
    environment: { ...dev?.environment, ...own }
  }
}
