import type { SqlError } from "@effect/sql/SqlError"
import type {
  AuditEntry,
  AuditList,
  AuditOutcome,
  InvalidRequest,
  OrganizationId,
  Page,
  UserId
} from "@maxcloud/sdk/api"
import { Context, Effect, Ref, type Stream } from "effect"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import type { Chain } from "./chain.ts"

/**
 * An event for the log. The actor, the credential, the address and the request's id come from `CurrentCaller`,
 * `ClientAddress` and `RequestId`.
 */
export interface Happening {
  /** The operation as in the contract: `apps.deploy`, `auth.register`; the server's own: `server.erase`. */
  readonly action: string
  readonly outcome: AuditOutcome
  /** HTTP status of the answer. */
  readonly status: number
  /**
   * The event's subject, in the API's terms: `shop/production`, `secret shop/production/KEY`. Stored sealed. Never
   * contains a value.
   */
  readonly subject: string
  /** SHA-256 in hexadecimal digits of the state before and after; undefined if it's unknown, or there's none. */
  readonly before?: string | undefined
  readonly after?: string | undefined
  /** The chain's organization. undefined: the caller's organization, or else the server's own chain. */
  readonly organizationId?: OrganizationId | undefined
  /** The person, if no caller identifies them (a sign-in). */
  readonly person?: { readonly id: UserId; readonly email: string } | undefined
}

export interface AuditFilter {
  /** Epoch milliseconds. */
  readonly since?: number | undefined
  readonly action?: string | undefined
  readonly outcome?: AuditOutcome | undefined
  /** Only entries before this sequence number. */
  readonly before?: number | undefined
}

/**
 * The audit log: append-only, with a hash chain for each organization and one for the server itself. An entry is
 * appended as the last step of the writer's own transaction, so the log contains what's committed, and nothing that's
 * rolled back.
 */
export class Audit extends Context.Tag("@maxcloud/server/Audit")<
  Audit,
  {
    /**
     * Appends an entry, or several in this order to the first one's chain: in the open transaction, or in its own. Notes
     * that (see `noting`), so that the gate adds none of its own. Locks the organization's chain until the transaction
     * ends, so call it last.
     */
    readonly append: (
      first: Happening,
      ...more: ReadonlyArray<Happening>
    ) => Effect.Effect<void, SqlError | MasterKeyError>
    /** Personal fields are null once their key is erased. */
    readonly page: (
      chain: Chain,
      filter: AuditFilter,
      paging: ReturnType<typeof AuditList.pagingOf>
    ) => Effect.Effect<Page<AuditEntry>, InvalidRequest | SqlError | MasterKeyError>
    /**
     * The whole chain as lines of JSON (`audit export`), with a fresh signed checkpoint at the end, which is stored with
     * the chain unless `keepCheckpoint` is false.
     */
    readonly export: (
      chain: Chain,
      options?: { readonly keepCheckpoint?: boolean }
    ) => Stream.Stream<string, SqlError | MasterKeyError>
  }
>() {}

/** The effect that `Audit.append` runs beside its entry: see `noting`. */
export class EntryNoted extends Context.Reference<EntryNoted>()("@maxcloud/server/EntryNoted", {
  defaultValue: (): Effect.Effect<void> => Effect.void
}) {}

/** Runs an effect, and returns whether it has appended an entry. */
export const noting = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const noted = yield* Ref.make(false)
    const value = yield* Effect.provideService(effect, EntryNoted, Ref.set(noted, true))
    return { value, noted: yield* Ref.get(noted) }
  })
