import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { Effect } from "effect"
import { InvalidRequest } from "../api/errors.ts"
import { ConfigInvalid } from "../errors.ts"

/** Configs that are programs. */
export const moduleExtensions = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"] as const
/** Configs that are plain data. */
export const dataExtensions = [".yaml", ".yml", ".json"] as const

/** The file names of configs, in the order for messages. */
export const configNames: ReadonlyArray<string> = [...moduleExtensions, ...dataExtensions].map(
  (value) => `maxcloud.config${value}`
)

/** The absolute path of the config of `folder`: `maxcloud.config.*` there, or in the nearest folder above that has one. */
export const findConfig = (folder: string): Effect.Effect<string, ConfigInvalid | InvalidRequest> =>
  // Not every caller uses types.
  typeof folder === "string" ? findFrom(folder) : notAFolder

const notAFolder = new InvalidRequest({
  detail: "findConfig: the folder isn't a text. Leave it out, or pass a path.",
  errors: []
})

const findFrom = (folder: string): Effect.Effect<string, ConfigInvalid> =>
  Effect.suspend(() => {
    for (let at = resolve(folder); ; at = dirname(at)) {
      const here = configNames.filter((configName) => existsSync(join(at, configName)))
      const [file, other] = here
      if (file !== undefined && other !== undefined) {
        const message = `Found both ${here.join(" and ")} in ${at}. Remove one, or pass one with --config.`
        return new ConfigInvalid({ file: join(at, file), issues: [{ path: "", message, file: join(at, file) }] })
      }
      if (file !== undefined) return Effect.succeed(join(at, file))
      if (dirname(at) === at) break
    }
    const file = join(resolve(folder), "maxcloud.config.ts")
    const message = "No maxcloud.config.ts found in this folder or above. Run `maxcloud init`."
    return new ConfigInvalid({ file, issues: [{ path: "", message, file, code: "not_found" }] })
  })
