import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { layer as nodeHttpClient } from "@effect/platform-node/NodeHttpClient"
import type { AppName, SecretName, ServiceName, StageName } from "@maxcloud/config-schema"
import type { InvalidSpec, ProblemError, RegistryHost } from "@maxcloud/sdk/api"
import type { DeprecationNotice, LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect, Either, Layer, ParseResult, type Redacted, Schema } from "effect"
import type { Globals } from "./command.ts"
import { CommandFailed, UsageError } from "./errors/failure.ts"
import { systemLanguage } from "./output/language.ts"
import { problemLine } from "./output/report.ts"
import { printableLines, type Terminal } from "./output/terminal.ts"

/** The SDK, loaded when the first command needs it. */
export const loadSdk = Effect.promise(() => import("@maxcloud/sdk/effect"))
/** The builder, which reads source folders. */
export const loadTools = Effect.promise(() => import("@maxcloud/sdk/internal"))
const loadProxy = Effect.promise(() => import("@maxcloud/sdk/proxy"))
export const loadSchemas = Effect.promise(() => import("@maxcloud/config-schema"))

/** Prints warnings on stderr that concern every command. */
export const warn = (line: string): void => void process.stderr.write(`${printableLines(line)}\n`)

let warned = false
/** Printed once, however many responses carry the header. */
const warnOnce = ({ sunset }: DeprecationNotice) => {
  if (!warned) {
    const end = sunset === undefined ? "in the future" : `after ${sunset}`
    warn(
      `warning: the server will stop accepting requests from this version of maxcloud ${end}. Update it with \`npm i -D @maxcloud/cli@latest\``
    )
  }
  warned = true
}

/** The URL of the server that the flags and the environment name. */
export const apiUrlOf = (input: Pick<Globals, "apiUrl">): Effect.Effect<string, UsageError> =>
  Effect.flatMap(loadSdk, ({ defaultApiUrl, isServerUrl }) => {
    const apiUrl = input.apiUrl ?? defaultApiUrl()
    return isServerUrl(apiUrl)
      ? Effect.succeed(apiUrl)
      : new UsageError({
          message: `${input.apiUrl === undefined ? "MAXCLOUD_API_URL" : "--api-url"} "${apiUrl}" isn't the URL of a server`,
          fix: "use a form like https://cloud.example.com or http://127.0.0.1:8080"
        })
  })

/** Asks the server to write the mails that a request causes in this language. */
const inSystemLanguage = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.mapRequest(HttpClientRequest.setHeader("accept-language", systemLanguage(process.env)))
  )
)

/** Whether the settings name a proxy for it. One that can't be parsed counts too: the request then reports the problem. */
const hasProxy = (proxyFor: typeof import("@maxcloud/sdk/proxy").proxyFor, apiUrl: string): boolean => {
  try {
    return URL.canParse(apiUrl) && proxyFor(new URL(apiUrl)) !== undefined
  } catch {
    return true
  }
}

/** `--org`, else `MAXCLOUD_ORG`, else undefined for the credential's own. `-` means that too. */
export const writtenOrganization = (input: Pick<Globals, "org">): string | undefined => {
  const fromEnvironment = process.env["MAXCLOUD_ORG"]
  return input.org ?? (fromEnvironment === "" ? undefined : fromEnvironment)
}

/** The flags of every command that say how to reach the server. */
export type Reached = Pick<Globals, "apiUrl" | "org">

const organizationOf = (input: Reached): Effect.Effect<string | undefined, UsageError> => {
  const written = writtenOrganization(input)
  return written === undefined || written === "-"
    ? Effect.succeed(undefined)
    : Effect.flatMap(loadSchemas, (schemas) => parse(schemas.OrganizationName, written))
}

/** The client of the server that the flags and the environment name, with this credential: `""` for none. */
export const connectWith = (input: Reached, token: "" | Redacted.Redacted<string> | (() => Promise<string>)) =>
  Effect.gen(function* () {
    const { makeMaxCloud } = yield* loadSdk
    const { proxiedFetch, proxyFor } = yield* loadProxy
    const apiUrl = yield* apiUrlOf(input)
    const organization = yield* organizationOf(input)
    // Node's own HTTP client loads in a fraction of the time that the first `fetch` takes, but doesn't support proxies.
    const http = hasProxy(proxyFor, apiUrl) ? FetchHttpClient.layer : nodeHttpClient
    const httpClient = Layer.provide(inSystemLanguage, http)
    return yield* makeMaxCloud({
      apiUrl,
      organization,
      token,
      httpClient,
      fetch: proxiedFetch(),
      onDeprecated: warnOnce
    })
  })

/** The client of the server that the flags and the environment name, with the credential stored for it. */
export const connect = (input: Reached) =>
  Effect.gen(function* () {
    const { defaultCredentials } = yield* loadSdk
    const apiUrl = yield* apiUrlOf(input)
    return yield* connectWith({ ...input, apiUrl }, defaultCredentials({ apiUrl, warn }))
  })

/** A server, as commands call it. */
export type Cloud = Effect.Effect.Success<ReturnType<typeof connect>>

/** Parses a user's input by the contract's schema. */
export const parse = <A>(schema: Schema.Schema<A, string>, written: string): Effect.Effect<A, UsageError> =>
  Schema.decodeUnknownEither(schema)(written).pipe(
    Either.mapLeft(
      (error) =>
        new UsageError({ message: ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message ?? error.message })
    )
  )

export const parseServiceName = (name: string): Effect.Effect<ServiceName, UsageError> =>
  Effect.flatMap(loadSchemas, (schemas) => parse(schemas.ServiceName, name))

export const parseAppName = (name: string): Effect.Effect<AppName, UsageError> =>
  Effect.flatMap(loadSchemas, (schemas) => parse(schemas.AppName, name))

export const parseRegistryHost = (host: string): Effect.Effect<RegistryHost, UsageError> =>
  Effect.flatMap(
    Effect.promise(() => import("@maxcloud/sdk/api")),
    (found) => parse(found.RegistryHost, host)
  )

export const parseSecretName = (name: string): Effect.Effect<SecretName, UsageError> =>
  Effect.flatMap(loadSchemas, (schemas) => parse(schemas.SecretName, name))

/** `--stage`, else `MAXCLOUD_STAGE`, else undefined. */
export const writtenStage = (input: Pick<Globals, "stage">): string | undefined => {
  const fromEnvironment = process.env["MAXCLOUD_STAGE"]
  return input.stage ?? (fromEnvironment === "" ? undefined : fromEnvironment)
}

/** The selected stage; undefined if none is named. */
export const stageOf = (input: Pick<Globals, "stage">): Effect.Effect<StageName | undefined, UsageError> => {
  const written = writtenStage(input)
  return written === undefined
    ? Effect.succeed(undefined)
    : Effect.flatMap(loadSchemas, (schemas) => parse(schemas.StageName, written))
}

/** Reads the config for the stage, both from the flags. Asks the server for facts that only it knows, if the config reads them. */
export const loadApp = (
  input: Pick<Globals, "apiUrl" | "config" | "org" | "stage">,
  file: string | undefined = input.config
) =>
  Effect.gen(function* () {
    const stage = yield* stageOf(input)
    const { loadConfig, serverFacts } = yield* loadSdk
    return yield* loadConfig({ file, stage }, serverFacts(Effect.flatMap(connect(input), (cloud) => cloud.info)))
  })

/** Prints the values that stand in for facts that only a server knows. */
export const tellAssumed = (loaded: LoadedConfig, terminal: Terminal) =>
  Effect.map(loadSdk, ({ assumedFacts }) => {
    for (const name of loaded.assumed) {
      terminal.say(
        `${terminal.paintError("yellow", "assumed:")} the config of ${loaded.spec.app} reads \`${name}\`, which only a server knows. Here it is "${assumedFacts[name]}".`
      )
    }
  })

/** Reads the config that the flags name, without a server. */
export const loadOffline = (
  input: Pick<Globals, "config" | "stage">,
  terminal: Terminal,
  file: string | undefined = input.config,
  options: { readonly charts?: boolean } = {}
) =>
  Effect.gen(function* () {
    const stage = yield* stageOf(input)
    const { loadConfig } = yield* loadSdk
    const loaded = yield* loadConfig({ file, stage, ...options })
    yield* tellAssumed(loaded, terminal)
    return loaded
  })

/** The app to act on: the named one, else the config's. */
export const appOf = (
  input: Pick<Globals, "apiUrl" | "config" | "org" | "stage"> & { readonly app: string | undefined }
) =>
  Effect.gen(function* () {
    if (input.app !== undefined) return yield* parseAppName(input.app)
    if (input.config === undefined) {
      const { findConfig } = yield* loadSdk
      // An operator has no config of the app. Two configs are reported by loading them.
      const found = yield* Effect.either(findConfig(process.cwd()))
      if (Either.isLeft(found) && found.left._tag === "ConfigInvalid" && found.left.issues[0]?.code === "not_found") {
        return yield* new UsageError({
          message: "no app given, and no maxcloud.config.ts in this folder or above",
          fix: "write --app APP (`maxcloud list` shows the apps), or run it in the app's folder"
        })
      }
    }
    return (yield* loadApp(input)).spec.app
  })

/** The service that a command names, its app and stage, and the client of its server. */
export const connectToService = (
  input: Pick<Globals, "apiUrl" | "org" | "stage"> & { readonly name: string; readonly app: string | undefined }
) =>
  Effect.gen(function* () {
    const name = yield* parseServiceName(input.name)
    const app = input.app === undefined ? undefined : yield* parseAppName(input.app)
    const stage = yield* stageOf(input)
    return { name, at: { app, stage }, cloud: yield* connect(input) }
  })

/** The app from the command line, else from the config, its stage, and the client of its server. */
export const connectToApp = (input: Globals & { readonly app: string | undefined }) =>
  Effect.gen(function* () {
    const app = yield* appOf(input)
    const stage = yield* stageOf(input)
    return { app, stage, cloud: yield* connect(input) }
  })

/** Problems of an app, as lines with their positions in the config's files. */
export const locatedLines = (loaded: LoadedConfig | undefined, problems: ReadonlyArray<ProblemError>) =>
  loaded === undefined
    ? Effect.succeed(problems.map(problemLine))
    : Effect.gen(function* () {
        const { renderIssue } = yield* loadSdk
        const located = yield* Effect.promise(() => loaded.locate(problems))
        return located.map((value) => renderIssue(value))
      })

/** The fields of a failure that lists problems of an app: with their positions for people, and as in a problem document for `--json`. */
export const locatedErrors = (loaded: LoadedConfig | undefined, errors: ReadonlyArray<ProblemError>) =>
  Effect.map(locatedLines(loaded, errors), (details) => ({ details, data: { errors } }))

/** The server's rejection, with the positions in the config that it concerns. */
export const refused = (loaded: LoadedConfig | undefined) => (error: InvalidSpec) =>
  Effect.flatMap(locatedErrors(loaded, error.errors), ({ data, details }) =>
    Effect.fail(
      new CommandFailed({
        tag: error._tag,
        exit: 2,
        message: details.length === 0 ? error.detail : "the server rejected this app; nothing was deployed",
        details,
        data: {
          type: error.type,
          title: error.title,
          status: error.status,
          instance: error.instance,
          requestId: error.requestId,
          ...data
        }
      })
    )
  )
