import { randomUUID } from "node:crypto"
import { Context } from "effect"

/** Identifies a request in the log and in its answer (`x-request-id`). */
export class RequestId extends Context.Reference<RequestId>()("@maxcloud/server/RequestId", {
  defaultValue: () => "none"
}) {}

/** The caller's own id if it's a valid one, else a new one. */
export const requestIdOf = (given: string | undefined): string =>
  given !== undefined && /^[\w.-]{1,128}$/.test(given) ? given : randomUUID()
