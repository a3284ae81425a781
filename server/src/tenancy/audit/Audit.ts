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

/** An event for the log. The actor, the credential, the address and the request's id come from `CurrentCaller`, `ClientAddress` and `RequestId`. */
export interface Happening {
  /** Operation as in the contract: `apps.deploy`, `auth.register`; the server's own: `server.erase`. */
  readonly action: string
  readonly outcome: AuditOutcome
  /** HTTP status of the answer. */
  readonly status: number
  /** The event's subject, in words of the API: `shop/production`, `secret shop/production/KEY`. Kept sealed; never holds a value. */
  readonly subject: string
  /** SHA-256 in hexadecimal digits of what was there before and is there after; undefined where it is not known, or is nothing. */
  readonly before?: string | undefined
  readonly after?: string | undefined
  /** The chain's organization. undefined: the caller's organization, or else the server's own chain. */
  readonly organizationId?: OrganizationId | undefined
  /** The person that it was, where no caller says so (a sign-in). */
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
 * The audit log: append-only, a hash chain for each organization, one for the server itself. An entry is appended as the last step of the
 * writer's own transaction, so that what is committed is in the log and what is rolled back is not.
 */
export class Audit extends Context.Tag("@maxcloud/server/Audit")<
  Audit,
  {
    /**
     * Appends an entry, or several in this order to the chain of the first: in the open transaction, or in its own. Is noted (see
     * `noting`), so that the gate adds none of its own. Locks the organization's chain until the transaction ends: call it last.
     */
    readonly append: (
      first: Happening,
      ...more: ReadonlyArray<Happening>
    ) => Effect.Effect<void, SqlError | MasterKeyError>
    /** Personal fields whose key was erased are null. */
    readonly page: (
      chain: Chain,
      filter: AuditFilter,
      paging: ReturnType<typeof AuditList.pagingOf>
    ) => Effect.Effect<Page<AuditEntry>, InvalidRequest | SqlError | MasterKeyError>
    /**
     * The whole chain as lines of JSON (`audit export`), with a fresh signed checkpoint at the end. It is kept with the chain, unless
     * `keepCheckpoint` is false.
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

/** Runs something, and says whether it has appended an entry. */
export const noting = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const noted = yield* Ref.make(false)
    const value = yield* Effect.provideService(effect, EntryNoted, Ref.set(noted, true))
    return { value, noted: yield* Ref.get(noted) }
  })
