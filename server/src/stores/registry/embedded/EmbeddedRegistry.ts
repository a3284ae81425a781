import { Deferred, Duration, Effect, Runtime, Schema } from "effect"
import type { DiskWatch } from "../../../base/disk/DiskWatch.ts"
import { errorText } from "../../../base/host/systemFault.ts"
import { backoffMs } from "../../../base/node/backoff.ts"
import { keepDoing } from "../../../base/node/keepDoing.ts"
import { monotonicMillis } from "../../../base/node/monotonic.ts"
import type { Refusal } from "../../../base/proxy/problem.ts"
import { NoInstance, type Route } from "../../../base/proxy/Route.ts"
import type { RegistryTokens } from "../RegistryTokens.ts"
import { collectGarbage, isCollectionDue } from "./collection.ts"
import { registryFolderIn, writeRegistryFiles } from "./registryFiles.ts"
import { endLeftRegistry, startRegistry } from "./registryProcess.ts"
import { type RegistryProgram, RegistryProgramError } from "./registryProgram.ts"

export interface EmbeddedRegistryOptions {
  readonly dataDir: string
  readonly program: RegistryProgram
  /** The URL of the token endpoint. */
  readonly realm: string
  readonly tokens: typeof RegistryTokens.Service
  readonly disk: DiskWatch
}

/** How long a request waits for a registry that is starting. Clients retry after it. */
const startWait = Duration.seconds(20)
/** A layer of several gigabytes may come over a slow line in one request. */
const longestRequestMs = 12 * 3_600_000
/** How soon the blobs of an erased organization are removed. */
const collectionEvery = Duration.seconds(5)
/** A collection that failed fails again: it must not stop the registry every few seconds. */
const afterFailure = Duration.hours(1)
/** For callers that neither send nor read. */
const stallMs = 120_000
const restarts = { baseMs: 200, maxMs: 15_000 }
/** After running for this long, the next restart is immediate again. */
const stableMs = 30_000

const oci = (refusal: Refusal, detail: string): Refusal => ({ ...refusal, detail, ociCode: "UNAVAILABLE" })

const refusal = (written: Refusal): Refusal => {
  switch (written.tag) {
    case "InstanceFailed":
      return oci(written, "The registry stopped before its answer. The server starts it again: send the request again.")
    case "MalformedResponse":
    case "ServiceTimeout":
      return oci(written, "The registry didn't answer. Send the request again.")
    default:
      return oci(written, written.detail)
  }
}

const LogLine = Schema.parseJson(
  Schema.Struct({
    level: Schema.String,
    msg: Schema.String,
    "err.detail": Schema.optional(Schema.Unknown),
    "http.response.status": Schema.optional(Schema.Number)
  })
)
const decodeLine = Schema.decodeUnknownOption(LogLine)

/** Refusals of requests are errors in its log, and no concern of the operator. */
const logOf = (line: string): Effect.Effect<void> => {
  const found = decodeLine(line)
  const text = `registry: ${line.slice(0, 2_000)}`
  if (found._tag === "None") return Effect.logDebug(text)
  const { level, "http.response.status": status = 500 } = found.value
  return /^(error|fatal|panic)$/.test(level) && status >= 500 ? Effect.logWarning(text) : Effect.logDebug(text)
}

const isUpload = (method: string) => method === "POST" || method === "PATCH" || method === "PUT"

/**
 * The registry that the server runs itself, for as long as the scope is open. It starts with the first request for it, because most
 * servers on a laptop never get one, and starts again whenever it ends. Returns the route of
 * a request, by its method.
 */
export const runEmbeddedRegistry = ({ dataDir, disk, program, realm, tokens }: EmbeddedRegistryOptions) =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime<never>()
    const runFork = Runtime.runFork(runtime)
    const runPromise = Runtime.runPromise(runtime)
    const wanted = yield* Deferred.make<void>()
    let port: number | undefined
    let ready = yield* Deferred.make<number>()

    const failed = (cause: unknown) =>
      new RegistryProgramError({ message: errorText(cause, registryFolderIn(dataDir)) })
    const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: failed })

    let pause = collectionEvery
    const collectionDue = attempt(() => isCollectionDue(dataDir))
    /** Ends when there are blobs to remove. */
    const untilCollection = Effect.suspend(() => Effect.sleep(pause)).pipe(
      Effect.zipRight(Effect.orElseSucceed(collectionDue, () => false)),
      Effect.repeat({ until: (due) => due }),
      Effect.as("to remove unused blobs")
    )

    const start = Effect.gen(function* () {
      const keys = yield* Effect.mapError(tokens.keys, failed)
      const config = yield* attempt(() =>
        writeRegistryFiles({ dataDir, program, service: tokens.service, realm, keys })
      )
      if (yield* collectionDue) {
        yield* Effect.logInfo("The embedded registry removes unused blobs. Requests wait.")
        pause = yield* attempt(() => collectGarbage(program, dataDir, config)).pipe(
          Effect.as(collectionEvery),
          Effect.catchAll(({ message }) =>
            Effect.as(Effect.logWarning(`Couldn't remove unused blobs of the registry. ${message}`), afterFailure)
          )
        )
      }
      return yield* attempt(() => startRegistry(program, dataDir, config, (line) => void runFork(logOf(line))))
    })

    /** From its start to its end. */
    const once = Effect.gen(function* () {
      const running = yield* Effect.acquireRelease(start, ({ end }) => Effect.promise(end))
      const taken = yield* attempt(() => running.port)
      port = taken
      yield* Deferred.succeed(ready, taken)
      return yield* Effect.race(
        Effect.as(
          Effect.promise(() => running.ended),
          undefined
        ),
        untilCollection
      )
    }).pipe(
      Effect.ensuring(
        Effect.gen(function* () {
          if (port !== undefined) ready = yield* Deferred.make<number>()
          port = undefined
        })
      ),
      Effect.scoped
    )

    let failures = 0
    const supervise = Effect.gen(function* () {
      // What an erased organization leaves goes even if nobody uses the registry.
      yield* Effect.race(Deferred.await(wanted), untilCollection)
      const startedAt = yield* monotonicMillis
      const reason = yield* Effect.match(once, {
        onFailure: ({ message }) => `couldn't be started: ${message}`,
        onSuccess: (purpose) => (purpose === undefined ? "has stopped." : undefined)
      })
      const isStable = (yield* monotonicMillis) - startedAt > stableMs
      if (isStable || reason === undefined) failures = 0
      if (reason === undefined) return
      const delay = backoffMs(restarts, failures++)
      yield* Effect.logWarning(`The embedded registry ${reason} Starting it again in ${delay} ms.`)
      yield* Effect.sleep(Duration.millis(delay))
    })

    if (yield* attempt(() => endLeftRegistry(dataDir))) {
      yield* Effect.logInfo("Stopped the registry that the last server left running.")
    }
    yield* keepDoing("the embedded registry", { every: 0, longestPause: restarts.maxMs }, supervise)
    return makeRoute(
      () => port,
      Effect.zipRight(
        Deferred.succeed(wanted, undefined),
        Effect.suspend(() => Deferred.await(ready))
      ),
      runPromise,
      disk
    )
  })

const makeRoute = (
  portNow: () => number | undefined,
  awaitPort: Effect.Effect<number>,
  runPromise: <A, E>(effect: Effect.Effect<A, E>, options: { readonly signal: AbortSignal }) => Promise<A>,
  disk: DiskWatch
) => {
  const leaseOf = (port: number) => ({
    host: "127.0.0.1",
    port,
    release: () => {},
    answered: () => {},
    overdue: () => {},
    failed: () => {}
  })
  const waited = Effect.timeoutOption(awaitPort, startWait)
  const route: Route = {
    key: "registry",
    protocol: "http1",
    timeoutMs: longestRequestMs,
    stallMs,
    refusal,
    acquire: (signal) => {
      const port = portNow()
      if (port !== undefined) return leaseOf(port)
      return runPromise(waited, { signal }).then((found) => {
        if (found._tag === "Some") return leaseOf(found.value)
        throw new NoInstance(503, "The registry isn't running. The server's log says why.", 5)
      })
    }
  }
  return (method: string): Route | Refusal => {
    const problem = isUpload(method) ? disk.problem() : undefined
    return problem === undefined
      ? route
      : { tag: "InsufficientStorage", status: 507, detail: problem.message, retryAfterSeconds: 10, ociCode: "DENIED" }
  }
}
