import type { OperatorFailure } from "@maxcloud/server"
import { Effect, Stream } from "effect"
import { CommandFailed } from "../errors/failure.ts"
import { failed, placeOf } from "../operator/operator.ts"

const isFailure = (error: unknown): error is OperatorFailure =>
  typeof error === "object" && error !== null && "ok" in error && "reason" in error && "message" in error

/** The server's own audit log, in the export format. */
export const serverAuditLines = (dataDir: string | undefined): Stream.Stream<string, CommandFailed> =>
  Stream.unwrap(
    Effect.map(
      Effect.promise(() => import("@maxcloud/server")),
      ({ operator }) =>
        Stream.fromAsyncIterable(operator.exportAudit(placeOf(dataDir)), (error) =>
          isFailure(error)
            ? failed(error)
            : new CommandFailed({ tag: "OperatorFailure", exit: 1, message: String(error) })
        )
    )
  )
