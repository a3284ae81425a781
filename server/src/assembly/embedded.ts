import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { OrganizationName } from "@maxcloud/config-schema"
import { type Client, createClient } from "@maxcloud/sdk"
import type { FetchDispatcher } from "@maxcloud/sdk/proxy"
import { Cause, Effect, Exit, LogLevel, Redacted, Schema, Scope } from "effect"
import { removeTree } from "../base/host/removeTree.ts"
import type { ServerSettings } from "../base/settings/ServerConfig.ts"
import type { ServerLogLine } from "../base/telemetry/logging.ts"
import { ServerError } from "../base/words/ServerError.ts"
import { makeAheadClock, ScalingTime } from "../runtimes/local/controller/ScalingTime.ts"
import type { Development } from "../runtimes/local/instances/processes/Development.ts"
import { type ImageStandIn, ImageStandIns, readStandIns } from "../stores/images/ImageStandIns.ts"
import { type EmbeddedRequest, embeddedFetch, loopbackDispatcher } from "./embeddedFetch.ts"
import { configured } from "./runServer.ts"
import { makeServer } from "./Server.ts"

export interface EmbeddedOptions extends Partial<Pick<ServerSettings, "domain" | "logLevel" | "inPlace">> {
  /** Folder for the database, sources and logs, kept afterwards. @default a temporary one, removed at the end */
  readonly dataDir?: string
  /** @default 0: a free one */
  readonly port?: number
  /** The organization that requests act for. @default "local" */
  readonly organization?: string
  /**
   * What runs in the place of images, without a registry or a container engine: a function of a request, or a program. By image as the config
   * writes it, or without its tag for all of its tags: `{ "ghcr.io/acme/billing": () => Response.json({ paid: true }) }`. @default nothing
   */
  readonly images?: Readonly<Record<string, ImageStandIn>>
  /** Takes the lines of the server's own log from `logLevel` on, instead of standard error. What services write is in `client.logs`. */
  readonly onLog?: (line: ServerLogLine) => void
  /** Variables of the developer's own environment for programs that run in place. @default nothing */
  readonly development?: Development
}

/** A whole max-cloud server in this process. */
export interface Embedded extends AsyncDisposable {
  /** Of the API, without a slash at its end. */
  readonly url: string
  readonly client: Client
  /** The bearer token for other clients of it. On Linux those of the same user need none. undefined with `MAXCLOUD_AUTH=required`. */
  readonly token: string | undefined
  /**
   * Calls a public service, even at zero instances: `await cloud.fetch("web", "/health")`. Takes the arguments of `fetch`, `stage` and `app`. Rejects
   * with `NotFound` if there is no such service, or it is internal.
   */
  readonly fetch: (service: string, path?: string, request?: EmbeddedRequest) => Promise<Response>
  /**
   * Resolves the hosts of the services' URLs, which Node's resolver doesn't know: `fetch(url, { dispatcher: cloud.dispatcher })`, and
   * anything else that takes a dispatcher of undici.
   */
  readonly dispatcher: FetchDispatcher
  /**
   * Lets so many seconds pass for the autoscaler alone, at once: after 90, what had no request since is at zero. Everything else goes on in real
   * time: programs, their probes, deadlines, retries. Resolves when it has decided for all of them. Whole seconds, at most an hour.
   */
  readonly advanceAutoscaler: (seconds: number) => Promise<void>
  /**
   * Resolves if the server had to stop by itself, once it has: its data folder was removed or replaced while it ran. With the reason.
   */
  readonly lost: Promise<ServerError>
  /** Stops the server, its services and its database. Safe to repeat. `await using` does it by itself. */
  readonly close: () => Promise<void>
}

/**
 * Starts a server in this process, on loopback and a port of its own: `await using cloud = await embedded()` (on Node 22: `close()`
 * at the end). Several may run at once, each with its own data folder. `DATABASE_URL` is not read: the database is always its own.
 * Rejects with `ServerError`.
 */
export const embedded = async (options: EmbeddedOptions = {}): Promise<Embedded> => {
  const { dataDir: given, development, images = {}, onLog, organization, port = 0, ...settings } = options
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), "maxcloud-")))
  const scope = Effect.runSync(Scope.make())
  const clock = makeAheadClock()
  const forget = () => (given === undefined ? removeTree(dataDir) : Promise.resolve())

  const start = Effect.gen(function* () {
    const name = organization === undefined ? undefined : yield* decodeOrganization(organization)
    const standIns = yield* readStandIns(images)
    const { layer, settings: read } = yield* configured(
      {
        logLevel: LogLevel.Warning,
        host: "127.0.0.1",
        domain: "localhost",
        // An embedded server is a laptop's or a test's: a kubeconfig that lies about is not meant.
        runtime: "local",
        kubeconfig: undefined,
        inPlace: false,
        backups: "off",
        // An app's own DATABASE_URL is not this server's.
        databaseUrl: undefined,
        migrationDatabaseUrl: undefined,
        ...settings,
        port,
        dataDir
      },
      onLog
    )
    const server = yield* makeServer({ organization: name, development }).pipe(
      Scope.extend(scope),
      Effect.provideService(ImageStandIns, standIns),
      Effect.provideService(ScalingTime, clock),
      Effect.provide(layer)
    )
    return { ...server, domain: read.domain }
  })
  const exit = await Effect.runPromiseExit(start)
  const stop = async (ending: Exit.Exit<unknown, unknown>) => {
    await Effect.runPromise(Scope.close(scope, ending))
    await forget()
  }
  if (Exit.isFailure(exit)) {
    await stop(exit)
    throw Cause.squash(exit.cause)
  }
  const { domain, failed, localToken, url } = exit.value
  const token = localToken === undefined ? undefined : Redacted.value(localToken)
  const client = createClient({ apiUrl: url, token })
  const { destroy, dispatcher } = loopbackDispatcher(domain ?? "localhost")
  let stopping: Promise<void> | undefined
  const close = () => {
    stopping ??= Promise.all([client.close(), destroy()]).then(() => stop(Exit.void))
    return stopping
  }
  const lost = Effect.runPromise(
    Effect.flatMap(Effect.flip(failed), (error) => Effect.as(Effect.promise(close), error))
  )
  return {
    url,
    client,
    token,
    fetch: embeddedFetch(client, dispatcher),
    dispatcher,
    advanceAutoscaler: async (seconds) => clock.advance(1000 * decodeSeconds(seconds)),
    lost,
    close,
    [Symbol.asyncDispose]: close
  }
}

const decodeSeconds = (seconds: unknown): number => {
  if (Schema.is(Schema.Int.pipe(Schema.between(1, 3600)))(seconds)) return seconds
  throw new RangeError(
    `advanceAutoscaler: ${String(seconds)} isn't a number of seconds. Give a whole one from 1 to 3600.`
  )
}

const decodeOrganization = (name: string) =>
  Effect.mapError(
    Schema.decodeUnknown(OrganizationName)(name),
    (error) => new ServerError({ reason: "setting", message: error.message })
  )
