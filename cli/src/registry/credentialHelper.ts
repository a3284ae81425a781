/**
 * `docker-credential-maxcloud`: gives docker, podman and others the credential of `maxcloud auth login` for a registry, by the protocol
 * of docker-credential-helpers. Stores nothing: they keep no password.
 */
import {
  type CredentialUnavailable,
  credentialsPath,
  defaultCredentials,
  type Environment,
  readCredentials,
  sourceOfEnvironment
} from "@maxcloud/sdk/credentials"
import { Data, Effect } from "effect"
import { CommandFailed } from "../errors/failure.ts"
import { readRegistries } from "./rememberedRegistries.ts"

/** What clients take as "no credential here" (docker-credential-helpers, `credentials.ErrCredentialsNotFound`). */
const notFound = "credentials not found in native keychain"

/** Any name would do: the server reads the password. */
const username = "maxcloud"

/** A request is a URL, or for `store` a small JSON object. */
const longestRequest = 64 * 1024

/** The message for the client. */
class Refused extends Data.TaggedError("Refused")<{ readonly message: string }> {}

const refused = (message: string) => new Refused({ message })

/** The host of what clients ask for: `registry.example.com`, perhaps as a URL or with a repository. */
const hostOf = (asked: string): string =>
  (/^(?:https?:\/\/)?([^/\s]{1,300})(?:\/|$)/i.exec(asked)?.[1] ?? "").toLowerCase()

const readRequest = Effect.tryPromise({
  try: async () => {
    let text = ""
    for await (const chunk of process.stdin.setEncoding("utf8")) {
      text += chunk
      if (text.length > longestRequest) throw new Error("it is too large")
    }
    return text.trim()
  },
  catch: (error) => refused(`the request can't be read: ${error instanceof Error ? error.message : String(error)}`)
})

const signIn = (apiUrl: string) => `run \`maxcloud auth login --api-url ${apiUrl}\``

/** The credential that `maxcloud` itself would send to the server. A stored session that has expired is reported here: the client wouldn't say why. */
const credentialFor = (apiUrl: string, env: Environment) =>
  Effect.gen(function* () {
    const warn = (line: string) => void process.stderr.write(`${line}\n`)
    if (sourceOfEnvironment(env) === undefined) {
      const expiresAt = (yield* readCredentials(credentialsPath(env), warn)).servers[apiUrl]?.expiresAt ?? null
      if (expiresAt !== null && Date.parse(expiresAt) <= Date.now()) {
        return yield* refused(`your credential for ${apiUrl} expired at ${expiresAt}: ${signIn(apiUrl)}`)
      }
    }
    const secret = yield* Effect.tryPromise({
      try: () => defaultCredentials({ apiUrl, env, warn })(),
      catch: (error) => refused(error instanceof Error ? error.message : String(error))
    })
    return secret === "" ? yield* refused(`you aren't signed in to ${apiUrl}: ${signIn(apiUrl)}`) : secret
  })

const get = (env: Environment) =>
  Effect.gen(function* () {
    const asked = yield* readRequest
    const host = hostOf(asked)
    const registries = yield* readRegistries(env)
    // A host may be called like something that every object has, such as "constructor".
    const found = Object.hasOwn(registries, host) ? registries[host] : undefined
    if (found === undefined) return yield* refused(notFound)
    return { ServerURL: asked, Username: username, Secret: yield* credentialFor(found.apiUrl, env) }
  })

const answer = (command: string | undefined, env: Environment) => {
  switch (command) {
    case "get":
      return get(env)
    case "list":
      return Effect.map(readRegistries(env), (found) =>
        Object.fromEntries(Object.keys(found).map((host) => [host, username]))
      )
    case "store":
      return refused("this registry gets the credential of `maxcloud auth login`, and no other is stored")
    case "erase":
      return refused("run `maxcloud registry logout` instead")
    default:
      return refused("docker, podman and others call this program with get, list, store or erase")
  }
}

/** Runs one command, and returns the exit code. Clients read errors on stdout too. */
export const runHelper = (command: string | undefined, env: Environment): Promise<number> =>
  Effect.suspend(
    (): Effect.Effect<object, Refused | CommandFailed | CredentialUnavailable> => answer(command, env)
  ).pipe(
    Effect.match({
      onFailure: (error) => ({
        code: 1,
        text: error instanceof CommandFailed ? `${error.message}: ${error.fix}` : error.message
      }),
      onSuccess: (found) => ({ code: 0, text: JSON.stringify(found) })
    }),
    Effect.map(({ code, text }) => {
      process.stdout.write(`${text}\n`)
      return code
    }),
    Effect.runPromise
  )
