import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { credentialsPath, type Environment, errorCode, normalUrl } from "@maxcloud/sdk/credentials"
import { Effect, Schema } from "effect"
import { CommandFailed } from "../errors/failure.ts"
import { replaceFile } from "../input/replaceFile.ts"

/** Which server's credential a registry gets. The file has no secret, but it decides who receives one. */
const Remembered = Schema.Struct({
  version: Schema.Literal(1),
  /** The servers' normalized URLs, by the registry's host. */
  registries: Schema.Record({ key: Schema.String, value: Schema.Struct({ apiUrl: Schema.String }) })
})
type Registries = (typeof Remembered.Type)["registries"]

const decode = Schema.decodeUnknown(Schema.parseJson(Remembered))

const fileOf = (env: Environment) => join(dirname(credentialsPath(env)), "registries.json")

const failure = (file: string, what: string, fix: string) =>
  new CommandFailed({ tag: "RegistriesUnavailable", exit: 1, message: `${file} ${what}`, fix })

const cannot = (what: "read" | "written", file: string) => (error: unknown) =>
  failure(file, `can't be ${what} (${errorCode(error)})`, "make it readable and writable for you")

/** The registries of `maxcloud registry login`; none if the file doesn't exist. */
export const readRegistries = (env: Environment): Effect.Effect<Registries, CommandFailed> =>
  Effect.gen(function* () {
    const file = fileOf(env)
    const text = yield* Effect.tryPromise({
      try: () =>
        readFile(file, "utf8").catch((error: unknown) => {
          if (errorCode(error) === "ENOENT") return undefined
          throw error
        }),
      catch: cannot("read", file)
    })
    if (text === undefined) return {}
    const { registries } = yield* Effect.mapError(decode(text), () =>
      failure(file, "is damaged", `delete it, and run \`maxcloud registry login\` again: rm ${file}`)
    )
    return registries
  })

const change = (env: Environment, edit: (registries: Registries) => Registries) => {
  const file = fileOf(env)
  return replaceFile({
    file,
    isPrivate: true,
    failed: cannot("written", file),
    edit: Effect.map(
      readRegistries(env),
      (registries) => `${JSON.stringify({ version: 1, registries: edit(registries) }, null, 2)}\n`
    )
  })
}

export const rememberRegistry = (env: Environment, host: string, apiUrl: string) =>
  change(env, (registries) => ({ ...registries, [host]: { apiUrl: normalUrl(apiUrl) } }))

export const forgetRegistries = (env: Environment, hosts: ReadonlyArray<string>) =>
  change(env, (registries) => Object.fromEntries(Object.entries(registries).filter(([host]) => !hosts.includes(host))))
