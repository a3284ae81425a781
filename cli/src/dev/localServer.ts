import { Effect, type Scope } from "effect"
import { CommandFailed, UsageError } from "../errors/failure.ts"

interface LocalServerOptions {
  readonly port: number
  readonly dataDir: string
  readonly inPlace: boolean
  /** Settings for programs in this folder, in addition to the config. */
  readonly environment: (directory: string) => Readonly<Record<string, string>>
}

const usualPort = 8080

/** The port from the flag, else from MAXCLOUD_PORT, read as `maxcloud server` does. */
export const portOf = (
  flag: number | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env
): Effect.Effect<number, UsageError> => {
  const written = environment["MAXCLOUD_PORT"] ?? ""
  const port = flag ?? (written === "" ? usualPort : /^\d{1,5}$/.test(written) ? Number(written) : Number.NaN)
  return port >= 0 && port <= 65_535
    ? Effect.succeed(port)
    : new UsageError({
        message: `${flag === undefined ? `MAXCLOUD_PORT is "${written}"` : `--port is ${flag}`}, which isn't a port`,
        fix: "use a whole number from 0 to 65535; 0 picks a free port"
      })
}

const failed = (error: unknown) =>
  new CommandFailed({
    tag: "ServerNotStarted",
    exit: 1,
    message: error instanceof Error ? error.message : String(error)
  })

interface LocalServer {
  readonly url: string
  /** Fails if the server had to stop on its own. */
  readonly lost: Effect.Effect<never, CommandFailed>
}

/** A server in this process, until the scope closes. */
export const localServer = (options: LocalServerOptions): Effect.Effect<LocalServer, CommandFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const { environment, ...rest } = options
    const { HOME: home, PATH: path = "" } = process.env
    const { embedded } = yield* Effect.promise(() => import("@maxcloud/server"))
    const { lost, url } = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => embedded({ ...rest, development: { path, home, environment } }), catch: failed }),
      (server) => Effect.promise(() => server[Symbol.asyncDispose]())
    )
    return {
      url,
      lost: Effect.flatMap(
        Effect.promise(() => lost),
        ({ message }) => new CommandFailed({ tag: "ServerStopped", exit: 1, message })
      )
    }
  })
