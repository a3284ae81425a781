import { proxyFor } from "@maxcloud/sdk/proxy"
import { Effect } from "effect"
import { type Dispatcher, Pool, ProxyAgent } from "undici"
import type { ClusterConfigError } from "./ClusterConfigError.ts"
import { type ClusterCredentials, type ClusterSource, readCredentials } from "./connect.ts"

/** How long to use the credentials of a token file or plugin before reading them again: as long as client-go does. */
const rereadAfterMillis = 60_000

/** The current credentials and connections to the API server. */
export interface Connections {
  readonly credentials: ClusterCredentials
  readonly readAtMillis: number
  /** For ordinary requests. */
  readonly requests: Dispatcher
  /** For watches and logs, each of which occupies a connection. */
  readonly streams: Dispatcher
}

/** The kubeconfig's proxy, or else the environment's, like kubectl. */
export const proxyOf = ({ proxy, server }: ClusterCredentials) => {
  if (proxy !== undefined) return { uri: proxy }
  const found = proxyFor(new URL(server))
  return found === undefined
    ? undefined
    : { uri: found.url, ...(found.authorization === undefined ? {} : { token: found.authorization }) }
}

const dispatcher = (credentials: ClusterCredentials, connections: number | null): Dispatcher => {
  const { server, tls } = credentials
  const proxy = proxyOf(credentials)
  const material = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
  // The API server keeps idle connections longer than this.
  const common = { connections, keepAliveTimeout: 60_000, keepAliveMaxTimeout: 60_000 }
  return proxy === undefined
    ? new Pool(server, { ...common, connect: { ...material, timeout: 5_000 } })
    : new ProxyAgent({ ...common, ...proxy, requestTls: material })
}

const sameTransport = (a: ClusterCredentials, b: ClusterCredentials): boolean => {
  const written = ({ proxy, server, tls }: ClusterCredentials) =>
    JSON.stringify([server, proxy, ...Object.values(tls).map((each) => each?.toString())])
  return written(a) === written(b)
}

/** Connections with a source's credentials, replaced when the credentials change. */
export const makeConnections = Effect.fn("makeConnections")(function* (source: ClusterSource, maxConnections: number) {
  const connect = (
    credentials: ClusterCredentials,
    before: Connections | undefined,
    readAtMillis: number
  ): Connections => {
    if (before !== undefined && sameTransport(credentials, before.credentials)) {
      return { ...before, credentials, readAtMillis }
    }
    // Requests in progress end on their own.
    void before?.requests.close().catch(() => undefined)
    void before?.streams.close().catch(() => undefined)
    return {
      credentials,
      readAtMillis,
      requests: dispatcher(credentials, maxConnections),
      streams: dispatcher(credentials, null)
    }
  }

  let now: Connections = connect(yield* readCredentials(source), undefined, performance.now())
  yield* Effect.addFinalizer(() =>
    Effect.promise(() => Promise.all([now.requests.destroy(), now.streams.destroy()]).catch(() => undefined))
  )

  const oneReader = yield* Effect.makeSemaphore(1)
  let warned = false
  const reread = (older: Connections) =>
    oneReader.withPermits(1)(
      Effect.gen(function* () {
        if (now.readAtMillis !== older.readAtMillis) return
        const read = yield* Effect.either(readCredentials(source))
        const readAtMillis = performance.now()
        if (read._tag === "Right") {
          now = connect(read.right, now, readAtMillis)
          warned = false
          return
        }
        // The current ones may still work: the API server decides.
        now = { ...now, readAtMillis }
        if (!warned) yield* Effect.logWarning(`Couldn't refresh the cluster credentials: ${read.left.message}`)
        warned = true
      })
    )

  return {
    now: () => now,
    current: Effect.suspend(() =>
      now.credentials.changing && performance.now() - now.readAtMillis > rereadAfterMillis
        ? Effect.map(reread(now), () => now)
        : Effect.succeed(now)
    ),
    /** After refused credentials: checks whether new ones are available. */
    renewed: (refused: Connections): Effect.Effect<boolean> =>
      Effect.suspend(() => (performance.now() - refused.readAtMillis < 1000 ? Effect.void : reread(refused))).pipe(
        Effect.map(
          () =>
            !sameTransport(now.credentials, refused.credentials) ||
            JSON.stringify(now.credentials.headers) !== JSON.stringify(refused.credentials.headers)
        )
      )
  }
})

export type { ClusterConfigError }
