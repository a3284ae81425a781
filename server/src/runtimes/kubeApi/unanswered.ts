import { Effect, Option } from "effect"
import { awayBetween, awayMillis, noOutages, outageStep, type RequestOutcome } from "./outages.ts"

/** Since when no request has been answered, as a date and as a duration. */
export interface Unanswered {
  readonly answered: () => void
  /** Has it answered within this many milliseconds? */
  readonly isFresh: (millis: number) => boolean
  /** The request was sent at this time of the monotonic clock. */
  readonly notAnswered: (sinceMillis: number) => void
  /** An answer arrived. A balancer's answer in place of an unreachable API server doesn't count, nor one without etcd. */
  readonly told: (answer: { readonly status: number; readonly text: string }, sinceMillis: number) => void
  /** The API server didn't answer when this process started, so nothing is known about the time before. */
  readonly wasAway: () => void
  readonly unreachable: Effect.Effect<Option.Option<{ readonly since: Date; readonly millis: number }>>
  /** Returns once an outage has begun. */
  readonly away: Effect.Effect<void>
  /** See `KubeApi.awayMillis`. */
  readonly awayMillis: Effect.Effect<number>
  /** See `KubeApi.awaySince`. */
  readonly awaySince: (epochMillis: number) => number
}

// A balancer answers with these while its API server is unreachable.
const standsIn = (status: number, text: string) =>
  status === 502 || status === 503 || status === 504 || (status === 500 && text.includes("etcdserver: "))

/** The same time by the monotonic clock. */
const monotonicOf = (epochMillis: number) => performance.now() - (Date.now() - epochMillis)

export const makeUnanswered = (): Unanswered => {
  let outages = noOutages
  let unseenBefore: number | undefined
  let since: Date | undefined
  const latch = Effect.unsafeMakeLatch(false)
  const step = (outcome: RequestOutcome) => {
    const before = outages.since
    outages = outageStep(outages, outcome)
    if (outages.since === before) return
    since = outages.since === undefined ? undefined : new Date(Date.now() - (performance.now() - outages.since))
    if (outages.since === undefined) latch.unsafeClose()
    else latch.unsafeOpen()
  }
  const answered = () => step({ type: "answered", at: performance.now() })
  const notAnswered = (sentAt: number) => step({ type: "unanswered", sentAt, at: performance.now() })
  return {
    answered,
    isFresh: (millis) => outages.since === undefined && performance.now() - outages.answeredAt < millis,
    notAnswered,
    told: ({ status, text }, sinceMillis) => (standsIn(status, text) ? notAnswered(sinceMillis) : answered()),
    wasAway: () => {
      unseenBefore = performance.now()
    },
    unreachable: Effect.sync(() =>
      outages.since === undefined || since === undefined
        ? Option.none()
        : Option.some({ since, millis: performance.now() - outages.since })
    ),
    away: latch.await,
    awayMillis: Effect.sync(() => awayMillis(outages, performance.now())),
    awaySince: (epochMillis) => {
      if (Number.isNaN(epochMillis)) return 0
      const from = monotonicOf(epochMillis)
      const unseen = unseenBefore === undefined ? 0 : Math.max(0, unseenBefore - from)
      return unseen + awayBetween(outages, Math.max(from, unseenBefore ?? from), performance.now())
    }
  }
}
