import { readFile } from "node:fs/promises"
import type { AppSpecEncoded } from "@maxcloud/config-schema"
import { Effect, Either } from "effect"
import { integer, text, texts } from "../args/flags.ts"
import { shellWords } from "../args/shellWords.ts"
import { loadSchemas, parseServiceName } from "../client.ts"
import { UsageError } from "../errors/failure.ts"
import { decodeText } from "../input/decodeText.ts"
import { parseDotenv } from "../input/dotenv.ts"

/** The flags that describe the image of `deploy --name`. */
export const imageFlags = {
  env: texts("env", "NAME=VALUE", { alias: "e", description: "Environment variable for IMAGE" }),
  envFrom: text("env-from", "FILE", {
    description: "Environment variables for IMAGE from a dotenv file, as `secrets import` reads it"
  }),
  envFile: text("env-file", "FILE", {
    description:
      "Same as --env-from. Caution: Node reads this file too, so NODE_OPTIONS in it applies to maxcloud itself"
  }),
  port: integer("port", "PORT", {
    alias: "p",
    description: "Port that IMAGE listens on [one that it exposes, else 8080]"
  }),
  command: texts("command", "COMMAND", {
    description:
      "Command to run instead of IMAGE's entrypoint and command: one text, quoted as in a shell, or the flag once for each word"
  }),
  cpu: text("cpu", "CPU", { description: "vCPU per instance, such as 0.5 or 500m [1]" }),
  memory: text("memory", "MEMORY", { description: "Memory per instance, such as 256Mi or 1Gi [512Mi]" }),
  min: integer("min", "N", { description: "Minimum number of instances, even without requests [0]" }),
  max: integer("max", "N", { description: "Maximum number of instances [10]" }),
  visibility: text("visibility", "VISIBILITY", {
    description: "public, or internal for linked services only [public]"
  })
}

export interface ImageInput {
  readonly env: ReadonlyArray<string>
  readonly envFrom: string | undefined
  readonly envFile: string | undefined
  readonly port: number | undefined
  readonly command: ReadonlyArray<string>
  readonly cpu: string | undefined
  readonly memory: string | undefined
  readonly min: number | undefined
  readonly max: number | undefined
  readonly visibility: string | undefined
}

/** The first given flag that only works with one image; undefined if there is none. */
export const imageFlagOf = (input: ImageInput): string | undefined =>
  (
    [
      [input.env[0], "--env"],
      [input.envFrom, "--env-from"],
      [input.envFile, "--env-file"],
      [input.port, "--port"],
      [input.command[0], "--command"],
      [input.cpu, "--cpu"],
      [input.memory, "--memory"],
      [input.min, "--min"],
      [input.max, "--max"],
      [input.visibility, "--visibility"]
    ] as const
  ).find(([value]) => value !== undefined)?.[1]

const parseEnv = (written: string): Effect.Effect<readonly [string, string], UsageError> => {
  const at = written.indexOf("=")
  return at > 0
    ? Effect.succeed([written.slice(0, at), written.slice(at + 1)])
    : new UsageError({ message: `"${written}" isn't an environment variable`, fix: "use the form --env NAME=value" })
}

const readEnvFile = (file: string) =>
  Effect.tryPromise({
    try: () => readFile(file),
    catch: (error) =>
      new UsageError({
        message: `Couldn't read the env file ${file}: ${error instanceof Error ? error.message : String(error)}`,
        fix: "use a file with NAME=value lines"
      })
  }).pipe(
    Effect.flatMap((bytes) => decodeText(bytes, file)),
    Effect.zip(loadSchemas),
    Effect.flatMap(([written, { bounds }]) =>
      parseDotenv(written, file, {
        what: "variable",
        most: bounds.envVariables,
        nameLength: bounds.envNameLength,
        valueLength: bounds.envValueLength
      })
    ),
    Effect.map((variables) => variables.map(({ name, value }) => [name, value] as const))
  )

/** Splits a single text into words; several texts are the words. */
export const commandOf = (written: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, UsageError> => {
  const [only] = written
  if (only === undefined || written.length > 1) return Effect.succeed(written)
  return Either.match(shellWords(only), {
    onRight: (words) => Effect.succeed(words),
    onLeft: (problem) =>
      new UsageError({
        message: `--command can't be read: ${problem}`,
        fix: `use a form like --command "node server.js"`
      })
  })
}

const flagOf: Readonly<Record<string, string>> = {
  image: "IMAGE",
  env: "--env",
  port: "--port",
  command: "--command",
  cpu: "--cpu",
  memory: "--memory",
  scale: "--min, --max",
  "scale.min": "--min",
  "scale.max": "--max",
  visibility: "--visibility"
}

/** The flag that caused an issue of the spec. */
const flagAt = (path: ReadonlyArray<PropertyKey>): string | undefined => {
  const [, , field, inner] = path.map(String)
  return flagOf[`${field}.${inner}`] ?? flagOf[field ?? ""]
}

/** The one-service app that the command line describes, with the same checks as on the server. */
export const appOfImage = (name: string, image: string, input: ImageInput) =>
  Effect.gen(function* () {
    const service = yield* parseServiceName(name)
    const file = input.envFrom ?? input.envFile
    const fromFile = file === undefined ? [] : yield* readEnvFile(file)
    const env = Object.fromEntries([...fromFile, ...(yield* Effect.forEach(input.env, parseEnv))])
    const command = yield* commandOf(input.command)
    const { cpu, max, memory, min, visibility } = input
    const scale = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }
    const written = {
      app: service,
      services: [
        {
          name: service,
          image,
          env,
          port: input.port ?? ("auto" as const),
          ...(command.length === 0 ? {} : { command }),
          ...(cpu === undefined ? {} : { cpu }),
          ...(memory === undefined ? {} : { memory }),
          ...(Object.keys(scale).length === 0 ? {} : { scale }),
          ...(visibility === undefined ? {} : { visibility })
        }
      ]
    }
    const { encodeAppSpec, parseAppSpec } = yield* loadSchemas
    const parsed = parseAppSpec(written)
    if (Either.isRight(parsed)) return encodeAppSpec(parsed.right) satisfies AppSpecEncoded
    const [issue] = parsed.left
    const flag = issue === undefined ? undefined : flagAt(issue.path)
    return yield* new UsageError({
      message: `${flag === undefined ? "" : `${flag}: `}${issue?.message ?? "this image can't be deployed with these flags"}`,
      fix: "see `maxcloud deploy --help`"
    })
  })
