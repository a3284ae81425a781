import { randomUUID } from "node:crypto"
import { Context } from "effect"

/** Names a request in the log and in its answer (`x-request-id`). */
export class RequestId extends Context.Reference<RequestId>()("@maxcloud/server/RequestId", {
  defaultValue: () => "none"
}) {}

/** The caller's own id where it is a sensible one, else a new one. */
export const requestIdOf = (given: string | undefined): string =>
  given !== undefined && /^[\w.-]{1,128}$/.test(given) ? given : randomUUID()
