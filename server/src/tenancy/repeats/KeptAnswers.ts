import type {
  AnswerLost,
  IdempotencyKeyReused,
  OperationName,
  OrganizationId,
  RequestInProgress,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"

/** The identity of a request. */
export interface RequestKey {
  readonly organizationId: OrganizationId
  /** The caller. A key is valid only for its own caller. */
  readonly caller: string
  readonly operation: OperationName
  readonly key: string
  /** SHA-256 of the request. A different one with the same key is the caller's mistake. */
  readonly digest: string
}

/** A request that was carried out or refused. */
export interface Outcome<A> {
  readonly value: A
  readonly succeeded: boolean
  /** The answer to the same request from now on; undefined: it can't be stored. */
  readonly answer: string | undefined
}

export type Answered<A> =
  /** Carried out now. `again`: it was carried out before, and its answer was lost. */
  | { readonly _tag: "now"; readonly value: A; readonly again: boolean }
  | { readonly _tag: "kept"; readonly answer: string }

/** How long a key returns the same answer. */
export const keptHours = 24
/** Per organization; above that the oldest are forgotten. */
export const keptKeys = 10_000

/** Answers to requests with an `Idempotency-Key`, sealed: a repeated request is answered, and not carried out twice. */
export class KeptAnswers extends Context.Tag("@maxcloud/server/KeptAnswers")<
  KeptAnswers,
  {
    /**
     * Carries a request out, unless that has happened or is happening, on this server or another one. If it's refused,
     * or nothing of it was committed when its server died, the key is free again.
     */
    readonly once: <A, E, R>(
      request: RequestKey,
      carryOut: Effect.Effect<Outcome<A>, E, R>
    ) => Effect.Effect<Answered<A>, E | IdempotencyKeyReused | RequestInProgress | AnswerLost | Unavailable, R>
  }
>() {}
