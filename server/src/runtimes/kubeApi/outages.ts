/**
 * When the API server was unreachable, as a value: `outageStep` folds the outcomes of requests into it. Times are milliseconds of
 * the monotonic clock.
 */
export interface Outages {
  /** Start of the current outage. */
  readonly since: number | undefined
  /** The newest answer. */
  readonly answeredAt: number
  /** Former outages, oldest first. */
  readonly former: ReadonlyArray<Outage>
  /** Duration of all former outages, including those no longer in `former`. */
  readonly formerMillis: number
}

export interface Outage {
  readonly from: number
  readonly to: number
}

export type RequestOutcome =
  | { readonly type: "answered"; readonly at: number }
  /** It was sent at `sentAt`, and its failure was noticed at `at`. */
  | { readonly type: "unanswered"; readonly sentAt: number; readonly at: number }

/** How many former outages to keep. A start of a service is younger than all of them. */
const kept = 100

export const noOutages: Outages = {
  since: undefined,
  answeredAt: Number.NEGATIVE_INFINITY,
  former: [],
  formerMillis: 0
}

export const outageStep = (state: Outages, outcome: RequestOutcome): Outages => {
  if (outcome.type === "unanswered") {
    // Another request may have been answered since this one was sent.
    return state.since === undefined ? { ...state, since: Math.max(outcome.sentAt, state.answeredAt) } : state
  }
  const answeredAt = Math.max(state.answeredAt, outcome.at)
  if (state.since === undefined) return { ...state, answeredAt }
  const outage = { from: state.since, to: Math.max(state.since, outcome.at) }
  return {
    since: undefined,
    answeredAt,
    former: [...state.former, outage].slice(-kept),
    formerMillis: state.formerMillis + outage.to - outage.from
  }
}

/** How long it was unreachable since the start. Deadlines are measured by the time that this leaves. */
export const awayMillis = ({ formerMillis, since }: Outages, now: number): number =>
  formerMillis + (since === undefined ? 0 : Math.max(0, now - since))

/** How long it was unreachable between two times. */
export const awayBetween = ({ former, since }: Outages, from: number, to: number): number =>
  [...former, ...(since === undefined ? [] : [{ from: since, to: Number.POSITIVE_INFINITY }])].reduce(
    (sum, outage) => sum + Math.max(0, Math.min(outage.to, to) - Math.max(outage.from, from)),
    0
  )
