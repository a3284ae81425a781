import type { SqlError } from "@effect/sql/SqlError"
import { Context, Effect } from "effect"

/** A request with an `Idempotency-Key`, for its handlers. */
export interface Keyed {
  /**
   * The id of what this request has already created, if its answer was lost: return that instead of creating another
   * one.
   */
  readonly made: string | undefined
  /**
   * Records in the open transaction that the request is carried out, so that both are committed or neither is. `made`:
   * the id of what it has created. Dies with `RequestInProgress` if this server has lost the request to another one, so
   * that nothing is committed twice.
   */
  readonly note: (made?: string) => Effect.Effect<void, SqlError>
}

/**
 * The current request, if it came with a key. `Audit.append` records that it was carried out. Code that creates
 * something with an id records the id too.
 */
export class KeyedRequest extends Context.Reference<KeyedRequest>()("@maxcloud/server/KeyedRequest", {
  defaultValue: (): Keyed | undefined => undefined
}) {}

/**
 * Records that the current request was carried out, if it came with a key: for writers that don't append to the audit
 * log themselves.
 */
export const noteCarriedOut = (made?: string) =>
  Effect.flatMap(KeyedRequest, (keyed) => (keyed === undefined ? Effect.void : keyed.note(made)))
