import { SqlClient } from "@effect/sql/SqlClient"
import { AnswerLost, IdempotencyKeyReused, type RequestInProgress, type Unavailable } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Redacted } from "effect"
import { whileHeld } from "../../base/database/heldLease.ts"
import { LeaseHolder } from "../../base/database/LeaseHolder.ts"
import { databaseAway, orUnavailable } from "../../base/database/sqlErrors.ts"
import { sweeping } from "../../base/database/sweeping.ts"
import { DataKeys, type Place } from "../../base/keys/DataKeys.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import { type Answered, KeptAnswers, type Outcome, type RequestKey } from "./KeptAnswers.ts"
import { KeyedRequest } from "./KeyedRequest.ts"
import { type Claim, inProgress, type RequestRow, requestRows, sweepRequests, type Taken } from "./requestRows.ts"

export interface KeptAnswersOptions {
  /** How long a request stays with a silent server. @default 30 seconds */
  readonly leaseMs?: number
}

/** More than a list of 200 secrets. A larger deployment is read again. */
const longestAnswer = 64 * 1024

const ownerOf = ({ organizationId }: RequestKey) => ({ type: "organization", id: organizationId }) as const
const placeOf = ({ caller, key, operation }: RequestKey, part: "request" | "answer"): Place => [
  "keyed request",
  part,
  caller,
  operation,
  key
]

const reused = ({ key }: RequestKey) =>
  new IdempotencyKeyReused({
    detail: `The idempotency key "${key}" was used for a different request to this operation. Use a new key for each change, and the same key only to send a request again.`
  })

const lost = ({ key }: RequestKey) =>
  new AnswerLost({
    detail: `The request with the idempotency key "${key}" was carried out, but the server stopped before it could answer. Check the present state. To do it again, use a new key.`
  })

type Found = { readonly answer: string } | (Taken & { readonly made: string | undefined; readonly again: boolean })

/** This server's claim on a request, or its answer if it was carried out before. */
const makeClaim = (keys: DataKeys["Type"], rows: ReturnType<typeof requestRows>) => {
  const open = (request: RequestKey, part: "request" | "answer", keyId: string, bytes: Uint8Array) =>
    keys
      .open(ownerOf(request), placeOf(request, part), { keyId, bytes })
      .pipe(Effect.map(Option.map(Redacted.value)), Effect.mapError(masterKeyUnavailable))

  const known = (request: RequestKey, row: RequestRow) =>
    Effect.gen(function* () {
      const digest = yield* open(request, "request", row.digest_by, row.digest)
      if (Option.getOrUndefined(digest) !== request.digest) return yield* reused(request)
      if (row.answer !== null && row.answer_by !== null) {
        const answer = yield* open(request, "answer", row.answer_by, row.answer)
        return Option.isNone(answer) ? yield* lost(request) : { answer: answer.value }
      }
      if (row.held) return yield* inProgress()
      if (row.done && row.made === null) return yield* lost(request)
      const claim = yield* rows.takeOver(request, row.attempt)
      if (claim === undefined) return yield* inProgress()
      return { ...claim, made: row.made ?? undefined, again: row.done }
    })

  return (request: RequestKey) =>
    Effect.gen(function* () {
      const digest = yield* keys
        .seal(ownerOf(request), placeOf(request, "request"), Redacted.make(request.digest))
        .pipe(Effect.mapError(masterKeyUnavailable))
      for (let tries = 0; tries < 3; tries++) {
        const claim = yield* rows.insert(request, digest)
        if (claim !== undefined) return { ...claim, made: undefined, again: false } satisfies Found
        const row = yield* rows.find(request)
        if (row !== undefined && !row.expired) return yield* known(request, row)
        if (row?.held === true) return yield* inProgress()
        if (row !== undefined) yield* rows.forget(request, row)
      }
      return yield* inProgress()
    })
}

/** `KeptAnswers` in the table `keyed_requests`. */
const service = ({ leaseMs = 30_000 }: KeptAnswersOptions) =>
  Layer.effect(
    KeptAnswers,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const keys = yield* DataKeys
      const rows = requestRows(sql, leaseMs, yield* LeaseHolder)
      const claimOf = makeClaim(keys, rows)

      const keep = <A>(claim: Claim, { answer, succeeded }: Outcome<A>) =>
        Effect.gen(function* () {
          if (!succeeded) return yield* rows.release(claim)
          const sealed =
            answer === undefined || answer.length > longestAnswer
              ? undefined
              : yield* keys.seal(ownerOf(claim.request), placeOf(claim.request, "answer"), Redacted.make(answer))
          yield* rows.keep(claim, sealed)
        }).pipe(
          // It was carried out and recorded: the caller gets the answer now, and later callers get `AnswerLost`.
          Effect.catchAll((error) => Effect.logWarning("couldn't store the answer to a request with a key", error))
        )

      /** Interrupts what a request does before another server may carry it out. */
      const held = <A, E, R>(found: Taken, work: Effect.Effect<A, E, R>) =>
        whileHeld(
          { name: "requests with a key", leaseMs, since: found.since, holder: found.holder, renew: rows.renew(found) },
          work,
          (end): Effect.Effect<never, RequestInProgress | Unavailable> =>
            end === "taken" ? Effect.fail(inProgress()) : Effect.flatMap(databaseAway(undefined), Effect.fail)
        )

      return {
        once: <A, E, R>(request: RequestKey, carryOut: Effect.Effect<Outcome<A>, E, R>) =>
          Effect.uninterruptibleMask((restore) =>
            Effect.gen(function* () {
              const found = yield* orUnavailable(claimOf(request))
              if ("answer" in found) return { _tag: "kept", answer: found.answer } satisfies Answered<A>
              const keyed = { made: found.made, note: (made?: string) => rows.note(found, made) }
              const outcome = yield* restore(held(found, Effect.provideService(carryOut, KeyedRequest, keyed))).pipe(
                Effect.onError(() => Effect.ignoreLogged(rows.release(found)))
              )
              yield* keep(found, outcome)
              return { _tag: "now", value: outcome.value, again: found.again } satisfies Answered<A>
            })
          )
      }
    })
  )

export const layer = (options: KeptAnswersOptions = {}) =>
  Layer.merge(
    service(options),
    Layer.unwrapEffect(
      Effect.map(SqlClient, (sql) => sweeping("old idempotency keys", "10 minutes", Effect.asVoid(sweepRequests(sql))))
    )
  )
