import { stat } from "node:fs/promises"
import { join } from "node:path"
import { dockerfileNames, type ServiceSpec } from "@maxcloud/config-schema"
import { Effect } from "effect"

const isFile = (path: string) =>
  stat(path).then(
    (found) => found.isFile(),
    () => false
  )

/** Whether only a Dockerfile says how the folder runs, so that it can't run in place. */
export const runsAsImage = (folder: string, { build, command }: ServiceSpec): Effect.Effect<boolean> =>
  Effect.promise(async () => {
    if (build !== undefined || command !== undefined || (await isFile(join(folder, "package.json")))) return false
    for (const name of dockerfileNames) if (await isFile(join(folder, name))) return true
    return false
  })
