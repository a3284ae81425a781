import { Deferred, Duration, Effect, Exit, Fiber, Layer } from "effect"
import {
  type InvalidSetting,
  readSettings,
  refuseWithoutMail,
  ServerConfig,
  type ServerSettings
} from "../base/settings/ServerConfig.ts"
import * as logging from "../base/telemetry/logging.ts"
import * as tracing from "../base/telemetry/tracing.ts"
import { ServerError } from "../base/words/ServerError.ts"
import { makeServer, type RunningServer, type ServerOptions } from "./Server.ts"

export interface RunOptions extends ServerOptions, Partial<ServerSettings> {
  /** Called once, when the server accepts requests. */
  readonly onReady?: ((server: RunningServer) => void) | undefined
}

/** Printed once, for the operator: the link to register the first owner. */
export const bootstrapNotice = (bootstrapUrl: string) =>
  `No account exists yet. Register the first owner at\n\n  ${bootstrapUrl}\n\nThe link works once, until the server restarts.`

/** Builds the server, its log and its traces from the settings. */
export const configured = (options: RunOptions, onLog?: (line: logging.ServerLogLine) => void) =>
  Effect.mapError(
    Effect.flatMap(readSettings(options), refuseWithoutMail),
    ({ message }: InvalidSetting) => new ServerError({ reason: "setting", message })
  ).pipe(
    Effect.map((settings) => ({
      settings,
      layer: Layer.mergeAll(
        Layer.succeed(ServerConfig, settings),
        onLog === undefined ? logging.layer(settings) : logging.layerTo(onLog, settings.logLevel),
        tracing.layer(settings)
      )
    }))
  )

/** Runs the server until it's interrupted. */
export const serve = (options: RunOptions = {}): Effect.Effect<never, ServerError> =>
  Effect.flatMap(configured(options), ({ layer, settings }) =>
    Effect.gen(function* () {
      const server = yield* makeServer(options)
      yield* Effect.logInfo(`listening on ${server.url}, data in ${settings.dataDir}`)
      yield* Effect.addFinalizer(() => Effect.logInfo("stopping: draining open requests"))
      options.onReady?.(server)
      return yield* server.failed
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

/** No orderly stop takes longer than this. */
const giveUpAfter = Duration.minutes(2)

/**
 * Runs the server as this process's main program until SIGINT or SIGTERM. A second signal kills it at once (the next
 * start finds and stops the leftovers). Resolves with the exit code: 0 after an orderly stop, 1 if it couldn't start
 * (the reason is printed).
 */
export const runServer = (options: RunOptions = {}): Promise<number> =>
  Effect.gen(function* () {
    const asked = yield* Deferred.make<void>()
    let isAsked = false
    const onSignal = (signal: NodeJS.Signals) => {
      if (isAsked) process.exit(process.exitCode ?? (signal === "SIGINT" ? 130 : 143))
      isAsked = true
      Deferred.unsafeDone(asked, Exit.void)
    }
    // Keep the handler until the process exits. Otherwise a signal between the server's stop and the exit kills the
    // process without an exit code.
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal)
    const server = yield* Effect.fork(serve(options))
    yield* Effect.raceFirst(Effect.exit(Fiber.join(server)), Deferred.await(asked))
    const exit = yield* Fiber.interrupt(server).pipe(Effect.timeoutOption(giveUpAfter))
    isAsked = true
    if (exit._tag === "None" || Exit.isInterrupted(exit.value)) return 0
    return yield* Effect.as(Exit.isFailure(exit.value) ? tellFailure(exit.value) : Effect.void, 1)
  }).pipe(Effect.runPromise)

const tellFailure = (exit: Exit.Failure<never, ServerError>) =>
  Effect.sync(() => {
    const error = exit.cause._tag === "Fail" ? exit.cause.error : undefined
    process.stderr.write(`maxcloud: ${error === undefined ? String(exit.cause) : error.message}\n`)
  })
