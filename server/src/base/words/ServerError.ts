import { Data, Effect } from "effect"
import { portHolder } from "../host/portHolder.ts"
import { errorCode } from "../node/errorCode.ts"

/** The server can't start. `message` says why, and how to fix it. */
export class ServerError extends Data.TaggedError("ServerError")<{
  readonly reason: "setting" | "portTaken" | "address" | "dataDir" | "database" | "runtime"
  readonly message: string
  readonly cause?: unknown
}> {}

const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

const isTaken = (cause: unknown) =>
  errorCode(cause) === "EADDRINUSE" ||
  (typeof cause === "object" && cause !== null && "_tag" in cause && cause._tag === "PortTaken")

/** Why the server can't listen. */
export const cannotListen = (host: string, port: number, cause: unknown): Effect.Effect<never, ServerError> =>
  Effect.gen(function* () {
    if (isTaken(cause)) {
      const holder = yield* Effect.promise(() => portHolder(port))
      return yield* new ServerError({
        reason: "portTaken",
        message: `port ${port} on ${host} is in use${holder === undefined ? "" : ` by ${holder}`}. Stop that program, or choose another port with --port or MAXCLOUD_PORT (0 picks a free one)`,
        cause
      })
    }
    return yield* new ServerError({
      reason: "address",
      message:
        errorCode(cause) === "EACCES"
          ? `this user can't listen on port ${port}. Choose one from 1024 up with --port or MAXCLOUD_PORT`
          : `couldn't listen on ${host}, port ${port}: ${messageOf(cause)}`,
      cause
    })
  })

/** Why a part of the server didn't start. */
export const cannotStart = (error: { readonly _tag: string; readonly message: string }) =>
  new ServerError({
    reason: error._tag === "DatabaseError" || error._tag === "Unavailable" ? "database" : "runtime",
    message: error.message,
    cause: error
  })
