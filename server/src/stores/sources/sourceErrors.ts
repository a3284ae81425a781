import { Effect } from "effect"
import { DiskRefused, type DiskWatch } from "../../base/disk/DiskWatch.ts"
import { errorText, systemFaultOf } from "../../base/host/systemFault.ts"
import { SourceError } from "./SourceStore.ts"

const isFull = (cause: unknown) =>
  cause instanceof DiskRefused || /^disk(Full|Quota)$/.test(systemFaultOf(cause)?.kind ?? "")

export const sourceErrorOf = (cause: unknown): SourceError =>
  new SourceError({
    reason: isFull(cause) ? "diskFull" : "unavailable",
    message: `Couldn't store the source. ${errorText(cause, "the server's data folder")}`,
    cause
  })

export type Attempt = <A>(evaluate: (signal: AbortSignal) => Promise<A>) => Effect.Effect<A, SourceError>

/**
 * Runs code that reads and writes the data folder. Its faults become `SourceError`s and are reported to the disk's
 * watch.
 */
export const makeAttempt = (disk: DiskWatch | undefined): Attempt => {
  const toSourceError = (cause: unknown): SourceError => {
    if (cause instanceof SourceError) return cause
    disk?.report(cause)
    return sourceErrorOf(cause)
  }
  return (evaluate) => Effect.tryPromise({ try: evaluate, catch: toSourceError })
}
