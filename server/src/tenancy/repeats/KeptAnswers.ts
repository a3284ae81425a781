import type {
  AnswerLost,
  IdempotencyKeyReused,
  OperationName,
  OrganizationId,
  RequestInProgress,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"

/** What makes two requests one. */
export interface RequestKey {
  readonly organizationId: OrganizationId
  /** Who asks. A key means nothing to anybody else. */
  readonly caller: string
  readonly operation: OperationName
  readonly key: string
  /** SHA-256 of the request. Another one with the same key is a mistake of the caller. */
  readonly digest: string
}

/** A request that was carried out, or refused. */
export interface Outcome<A> {
  readonly value: A
  readonly succeeded: boolean
  /** What the same request is answered with from now on; undefined: the answer can't be kept. */
  readonly answer: string | undefined
}

export type Answered<A> =
  /** Carried out now. `again`: it had been before, and its answer was lost. */
  | { readonly _tag: "now"; readonly value: A; readonly again: boolean }
  | { readonly _tag: "kept"; readonly answer: string }

/** For how long a key gives the same answer. */
export const keptHours = 24
/** Of an organization; beyond that the oldest are forgotten. */
export const keptKeys = 10_000

/** Answers to requests with an `Idempotency-Key`, sealed: a request that comes again is answered, and not carried out twice. */
export class KeptAnswers extends Context.Tag("@maxcloud/server/KeptAnswers")<
  KeptAnswers,
  {
    /**
     * Carries a request out, unless it was before or is at the moment, on this server or another one. If it's refused, or nothing of it was
     * committed when its server died, the key is free again.
     */
    readonly once: <A, E, R>(
      request: RequestKey,
      carryOut: Effect.Effect<Outcome<A>, E, R>
    ) => Effect.Effect<Answered<A>, E | IdempotencyKeyReused | RequestInProgress | AnswerLost | Unavailable, R>
  }
>() {}
