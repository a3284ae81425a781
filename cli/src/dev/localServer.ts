import { Effect, type Scope } from "effect"
import { CommandFailed } from "../failure.ts"

interface LocalServerOptions {
  readonly port: number | undefined
  readonly dataDir: string
  readonly inPlace: boolean
}

const failed = (error: unknown) =>
  new CommandFailed({
    tag: "ServerNotStarted",
    exit: 1,
    message: error instanceof Error ? error.message : String(error)
  })

/** A server in this process for as long as the scope is open: its URL. */
export const localServer = (options: LocalServerOptions): Effect.Effect<string, CommandFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const { dataDir, inPlace, port = 8080 } = options
    const { embedded } = yield* Effect.promise(() => import("@maxcloud/server"))
    const { url } = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => embedded({ port, dataDir, inPlace }), catch: failed }),
      (server) => Effect.promise(() => server[Symbol.asyncDispose]())
    )
    return url
  })
