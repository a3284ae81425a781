import type { SqlError } from "@effect/sql/SqlError"
import { Context, Effect } from "effect"

/** A request with an `Idempotency-Key`, for those that carry it out. */
export interface Keyed {
  /** The id of what this request has already made, if its answer was lost: give that instead of making another one. */
  readonly made: string | undefined
  /**
   * Notes in the open transaction that the request is carried out, so that both are committed or neither is. `made`: the id of what it has
   * made. Dies with `RequestInProgress` if this server has lost the request to another one, so that nothing is committed twice.
   */
  readonly note: (made?: string) => Effect.Effect<void, SqlError>
}

/** The request that is carried out, if it came with a key. `Audit.append` notes it; whoever makes a thing with an id notes that too. */
export class KeyedRequest extends Context.Reference<KeyedRequest>()("@maxcloud/server/KeyedRequest", {
  defaultValue: (): Keyed | undefined => undefined
}) {}

/** Notes that the present request is carried out, if it came with a key: for writers that append no entry to the audit log themselves. */
export const noteCarriedOut = (made?: string) =>
  Effect.flatMap(KeyedRequest, (keyed) => (keyed === undefined ? Effect.void : keyed.note(made)))
