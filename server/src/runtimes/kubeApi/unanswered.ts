import { Effect, Option } from "effect"

/** Since when no request has been answered, as a date and as a duration. */
export interface Unanswered {
  readonly answered: () => void
  /** The request was sent at this time of the monotonic clock. */
  readonly notAnswered: (sinceMillis: number) => void
  /** An answer with this status arrived. A balancer's answer in place of an unreachable API server doesn't count. */
  readonly told: (status: number, sinceMillis: number) => void
  readonly unreachable: Effect.Effect<Option.Option<{ readonly since: Date; readonly millis: number }>>
}

// A balancer answers with these while its API server is unreachable.
const standsIn = (status: number) => status === 502 || status === 503 || status === 504

export const makeUnanswered = (): Unanswered => {
  let first: { readonly since: Date; readonly sinceMillis: number } | undefined
  const answered = () => {
    first = undefined
  }
  const notAnswered = (sinceMillis: number) => {
    first ??= { since: new Date(Date.now() - (performance.now() - sinceMillis)), sinceMillis }
  }
  return {
    answered,
    notAnswered,
    told: (status, sinceMillis) => (standsIn(status) ? notAnswered(sinceMillis) : answered()),
    unreachable: Effect.sync(() =>
      Option.map(Option.fromNullable(first), ({ since, sinceMillis }) => ({
        since,
        millis: performance.now() - sinceMillis
      }))
    )
  }
}
