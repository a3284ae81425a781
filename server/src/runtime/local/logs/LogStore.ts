import type { LogEntry, OrganizationId } from "@maxcloud/sdk/api"
import { Context, type Effect, type Stream } from "effect"
import type { LogQuery, RuntimeError } from "../../Runtime.ts"

export interface LogSource {
  readonly organizationId: OrganizationId
  readonly namespace: string
  readonly service: string
  readonly revision: string
  readonly instance: string
}

/** Takes the output of one instance. */
export interface LogWriter {
  /** Never blocks and never throws; what comes faster than the disk takes it is dropped, and a `system` line tells how much. */
  readonly write: (stream: "stdout" | "stderr", chunk: Uint8Array) => void
  /** Writes a line of the platform's own. */
  readonly system: (line: string) => void
  readonly close: () => Promise<void>
}

/**
 * Logs of instances in bounded, rotated files, one folder per organization, namespace and service. Lines over 16 KiB are cut,
 * a carriage return alone does not end a line but 16 KiB do, bytes that are no UTF-8 are replaced. Memory stays flat whatever comes.
 */
export class LogStore extends Context.Tag("@maxcloud/server/LogStore")<
  LogStore,
  {
    readonly writer: (source: LogSource) => LogWriter
    readonly read: (query: LogQuery) => Stream.Stream<LogEntry, RuntimeError>
    /** The last lines of one revision, oldest first. */
    readonly tail: (
      source: Pick<LogSource, "organizationId" | "namespace" | "service" | "revision">,
      lines: number
    ) => Effect.Effect<ReadonlyArray<string>>
    /** Forgets all lines of a service. */
    readonly remove: (source: Pick<LogSource, "organizationId" | "namespace" | "service">) => Effect.Effect<void>
  }
>() {}
