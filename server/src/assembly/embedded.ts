import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { OrganizationName } from "@maxcloud/config-schema"
import { type Client, createClient } from "@maxcloud/sdk"
import { checkOptions, type OptionKinds } from "@maxcloud/sdk/internal"
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
  /** Folder for the database, sources and logs, kept afterwards. @default a temporary one, removed on close */
  readonly dataDir?: string
  /** @default 0: any free port */
  readonly port?: number
  /** The organization of all requests. @default "local" */
  readonly organization?: string
  /**
   * Stand-ins that run instead of images, without a registry or a container engine: a function that handles requests, or
   * a program. The key is the image as the config writes it, or its name without a tag for all tags: `{
   * "ghcr.io/acme/billing": () => Response.json({ paid: true }) }`. @default none
   */
  readonly images?: Readonly<Record<string, ImageStandIn>>
  /**
   * Receives the server's own log lines from `logLevel` up, instead of standard error. The services' logs are in
   * `client.logs`.
   */
  readonly onLog?: (line: ServerLogLine) => void
  /** Variables of the developer's own environment for programs that run in place. @default none */
  readonly development?: Development
}

/** A whole max-cloud server in this process. */
export interface Embedded extends AsyncDisposable {
  /** The API's URL, without a trailing slash. */
  readonly url: string
  readonly client: Client
  /**
   * The bearer token for other clients. On Linux, clients of the same user need none. undefined with
   * `MAXCLOUD_AUTH=required`.
   */
  readonly token: string | undefined
  /**
   * Calls a public service, even at zero instances: `await cloud.fetch("web", "/health")`. Takes the options of `fetch`,
   * plus `stage` and `app`. Rejects with `NotFound` if the service doesn't exist or is internal.
   */
  readonly fetch: (service: string, path?: string, request?: EmbeddedRequest) => Promise<Response>
  /**
   * Resolves the hosts in the services' URLs, which Node's resolver doesn't know: `fetch(url, { dispatcher:
   * cloud.dispatcher })`, or anything else that takes an undici dispatcher.
   */
  readonly dispatcher: FetchDispatcher
  /**
   * Advances the autoscaler's clock by this many seconds, at once: after 90, every service without a request since then
   * is at zero. Everything else stays in real time: programs, probes, deadlines, retries. Resolves when the autoscaler
   * has decided for all services. Takes whole seconds, at most an hour.
   */
  readonly advanceAutoscaler: (seconds: number) => Promise<void>
  /** Resolves with the reason once the server has stopped by itself because its data folder was removed or replaced. */
  readonly lost: Promise<ServerError>
  /** Stops the server, its services and its database. Safe to repeat. `await using` calls it for you. */
  readonly close: () => Promise<void>
}

const embeddedOptions: OptionKinds<EmbeddedOptions> = {
  dataDir: "text",
  port: "number",
  organization: "text",
  images: "any",
  onLog: "function",
  development: "any",
  domain: "text",
  logLevel: "any",
  inPlace: "flag"
}

/**
 * Starts a server in this process, on a free loopback port: `await using cloud = await embedded()` (on Node 22: call
 * `close()`). Several can run at once, each with its own data folder. It ignores `DATABASE_URL`: the database is always
 * its own. Rejects with `ServerError`, or with `InvalidRequest` for an unknown option.
 */
export const embedded = async (options: EmbeddedOptions = {}): Promise<Embedded> => {
  checkOptions<EmbeddedOptions>("embedded", options, embeddedOptions)
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
        // An embedded server runs on a laptop or in a test, so ignore any kubeconfig on the machine.
        runtime: "local",
        kubeconfig: undefined,
        inPlace: false,
        backups: "off",
        // Nobody pushes to a server that its program stops again.
        registryProgram: "off",
        // DATABASE_URL belongs to the app, not to this server.
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
    `advanceAutoscaler: ${String(seconds)} isn't a number of seconds. Use a whole number from 1 to 3600.`
  )
}

const decodeOrganization = (name: string) =>
  Effect.mapError(
    Schema.decodeUnknown(OrganizationName)(name),
    (error) => new ServerError({ reason: "setting", message: error.message })
  )
