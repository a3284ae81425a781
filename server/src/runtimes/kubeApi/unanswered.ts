import { Effect, Option } from "effect"

/** Since when no request has been answered: to tell, and to measure. */
export interface Unanswered {
  readonly answered: () => void
  /** The request was sent then, by the monotonic clock. */
  readonly notAnswered: (sinceMillis: number) => void
  /** Of an answer with this status; one of a balancer, whose API server is away, is none. */
  readonly told: (status: number, sinceMillis: number) => void
  readonly unreachable: Effect.Effect<Option.Option<{ readonly since: Date; readonly millis: number }>>
}

// Answers of a balancer whose API server is away.
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
