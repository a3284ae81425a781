import type { OrganizationId } from "@maxcloud/sdk/api"

export interface LogSource {
  readonly organizationId: OrganizationId
  readonly namespace: string
  readonly service: string
  readonly revision: string
  readonly instance: string
}

/** Accepts the output of one instance. */
export interface LogWriter {
  /** Never blocks or throws. Output faster than the disk is dropped, and a `system` line says how much. */
  readonly write: (stream: "stdout" | "stderr", chunk: Uint8Array) => void
  /** Writes one of the platform's own lines. */
  readonly system: (line: string) => void
  /** Ends the last line, and resolves when everything is in the files. */
  readonly close: () => Promise<void>
}
