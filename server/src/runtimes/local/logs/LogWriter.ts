import type { OrganizationId } from "@maxcloud/sdk/api"

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
  /** Ends the last line, and resolves when all is in the files. */
  readonly close: () => Promise<void>
}
