import { Option, Schema } from "effect"
import { firstFile, readExactText } from "../files.ts"
import { invalid } from "../model.ts"

const Task = Schema.Union(
  Schema.String,
  Schema.Struct({
    command: Schema.optional(Schema.String),
    dependencies: Schema.optional(Schema.Array(Schema.String))
  })
)

const DenoConfig = Schema.parseJson(
  Schema.Struct({
    tasks: Schema.optional(Schema.Record({ key: Schema.String, value: Task })),
    nodeModulesDir: Schema.optional(Schema.Unknown),
    lock: Schema.optional(Schema.Unknown)
  })
)
export type DenoConfig = typeof DenoConfig.Type

const decode = Schema.decodeUnknownOption(DenoConfig)

/** Larger than any config. */
const longest = 2 ** 20

/** Parses JSON with comments and trailing commas. Strings stay unchanged. */
export const withoutComments = (text: string): string =>
  text
    .replace(/"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, (found) =>
      found.startsWith('"') ? found : " "
    )
    .replace(/"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|,(?=\s*[}\]])/g, (found) => (found.startsWith('"') ? found : ""))

/** The config's file. Deno allows comments in both, and reads `deno.json` if both exist. */
export const denoConfigFile = (folder: string): Promise<string | undefined> =>
  firstFile(folder, ["deno.json", "deno.jsonc"])

/** undefined if the folder has none. */
export const readDenoConfig = async (folder: string): Promise<DenoConfig | undefined> => {
  const file = await denoConfigFile(folder)
  const text = file === undefined ? undefined : await readExactText(folder, file)
  if (file === undefined || text === undefined) return undefined
  const plain = text.length > longest ? "" : withoutComments(text)
  const decoded = decode(text.trim() === "" ? "{}" : plain)
  if (Option.isNone(decoded))
    throw invalid(`The ${file} of the source isn't valid JSON, or a field in it has the wrong type. Correct it.`)
  return decoded.value
}
