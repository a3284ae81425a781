import { isRegistryHost } from "@maxcloud/config-schema"
import { Effect } from "effect"
import { Disk } from "../base/disk/Disk.ts"
import type { Refusal } from "../base/proxy/problem.ts"
import type { Route } from "../base/proxy/Route.ts"
import type { ServerSettings } from "../base/settings/ServerConfig.ts"
import { ServerError } from "../base/words/ServerError.ts"
import type { RuntimeEntry } from "../runtimes/choose/runtimes.ts"
import { runEmbeddedRegistry } from "../stores/registry/embedded/EmbeddedRegistry.ts"
import { findRegistryProgram, howToInstall, type RegistryProgram } from "../stores/registry/embedded/registryProgram.ts"
import { RegistryTokens } from "../stores/registry/RegistryTokens.ts"

/** A registry that this server runs itself. */
export interface PlannedRegistry {
  readonly program: RegistryProgram
  /** Its host for clients: the API's own, with its port. */
  readonly host: string
  /** Do clients reach it without TLS? */
  readonly isPlain: boolean
  readonly realm: string
}

/** What answers a path of the API's host instead of the API. */
export type RegistryRoutes = (path: string, method: string) => Route | Refusal | undefined

/** Paths of the OCI distribution-spec. */
const isOfRegistry = (path: string) => /^\/v2(?:[/?]|$)/.test(path)

const starting: Refusal = {
  tag: "Starting",
  status: 503,
  detail: "The server is starting. Retry in a second.",
  retryAfterSeconds: 1,
  ociCode: "UNAVAILABLE"
}

export const registryStarting: RegistryRoutes = (path) => (isOfRegistry(path) ? starting : undefined)

const without = (why: string) => Effect.as(Effect.logInfo(`This server runs no registry: ${why}`), undefined)

/**
 * The registry that the server will run: none if the operator has named another or turned it off. Servers of a cluster share their
 * database, and each would have only its own images, so there it takes the program's path.
 */
export const planRegistry = (
  { registry, registryProgram }: ServerSettings,
  runtime: RuntimeEntry,
  publicUrl: string
): Effect.Effect<PlannedRegistry | undefined, ServerError> =>
  Effect.gen(function* () {
    if (registry !== undefined || registryProgram === "off") return undefined
    if (runtime.servers === "shared") {
      if (registryProgram === "auto") return undefined
      return yield* new ServerError({
        reason: "setting",
        message:
          "MAXCLOUD_REGISTRY_PROGRAM: several servers may share a cluster, and each would have only its own images. Unset it, run a registry yourself and name it in REGISTRY_URL (docs/registry.md)."
      })
    }
    const { host, origin, pathname, protocol } = new URL(publicUrl)
    if (!isRegistryHost(host) || pathname !== "/") {
      return yield* without(
        `images can't be named after ${publicUrl}. Set MAXCLOUD_PUBLIC_URL to a host without a path.`
      )
    }
    const program = yield* Effect.mapError(
      findRegistryProgram(registryProgram),
      ({ message }) => new ServerError({ reason: "setting", message })
    )
    if (program === undefined) return yield* without(`CNCF Distribution isn't installed. ${howToInstall}.`)
    yield* Effect.logInfo(`registry at ${host} (CNCF Distribution ${program.version})`)
    return { program, host, isPlain: protocol === "http:", realm: `${origin}/api/v1/registry/token` }
  })

/** The settings of everything else, which reaches the registry by its host like one of the operator's. */
export const withRegistry = (settings: ServerSettings, { host, isPlain }: PlannedRegistry): ServerSettings => ({
  ...settings,
  registry: host,
  insecureRegistries: isPlain ? [...settings.insecureRegistries, host] : settings.insecureRegistries
})

/** Runs it for as long as the scope is open. */
export const serveRegistry = (dataDir: string, { program, realm }: PlannedRegistry) =>
  Effect.gen(function* () {
    const tokens = yield* RegistryTokens
    const disk = yield* Disk
    const routeOf = yield* Effect.mapError(
      runEmbeddedRegistry({ dataDir, disk, program, realm, tokens }),
      ({ message }) => new ServerError({ reason: "dataDir", message: `Couldn't prepare the registry. ${message}` })
    )
    const routes: RegistryRoutes = (path, method) => (isOfRegistry(path) ? routeOf(method) : undefined)
    return routes
  })
