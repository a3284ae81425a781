import { canonicalRanges } from "@maxcloud/synth"
import { Duration, Effect } from "effect"
import { keepDoing } from "../../base/node/keepDoing.ts"
import { monotonicMillis } from "../../base/node/monotonic.ts"
import {
  type ClusterRanges,
  findClusterRanges,
  type RangesByOwner,
  type UnknownRange,
  unknownText
} from "./clusterRanges.ts"

/** How often to ask the cluster. */
const every = Duration.seconds(30)

/**
 * How long a range stays closed after the cluster stopped reporting it: a removed node's pods may live on for a while, or the
 * node may return.
 */
const kept = Duration.hours(1)

/** A range, and since when (monotonic ms) the cluster hasn't reported it. */
type Missing = ReadonlyMap<string, number | undefined>

interface Memory {
  readonly services: Missing
  readonly pods: Missing
  readonly machines: Missing
  readonly unknown: ReadonlyArray<UnknownRange>
}

/** The cluster's own addresses at this moment. */
export interface CurrentRanges {
  /** Canonical. */
  readonly found: ReadonlyArray<string>
  /** The missing ranges, as a clause; undefined if everything is known. */
  readonly unknown: string | undefined
}

const start: Memory = { services: new Map(), pods: new Map(), machines: new Map(), unknown: [] }

const rangesIn = ({ machines, pods, services }: Memory): RangesByOwner => ({
  services: [...services.keys()],
  pods: [...pods.keys()],
  machines: [...machines.keys()]
})

/** Adds new ranges at once. Removes missing ones only after a while, and only after a complete answer. */
const remember = (before: Missing, told: ReadonlyArray<string>, complete: boolean, now: number): Missing => {
  const after = new Map<string, number | undefined>(told.map((value) => [value, undefined]))
  for (const [range, since] of before) {
    if (after.has(range)) continue
    if (!complete) after.set(range, since)
    else if (since === undefined || now - since < Duration.toMillis(kept)) after.set(range, since ?? now)
  }
  return after
}

const afterAnswer = (before: Memory, { complete, told, unknown }: ClusterRanges, now: number): Memory => ({
  services: remember(before.services, told.services, complete, now),
  pods: remember(before.pods, told.pods, complete, now),
  machines: remember(before.machines, told.machines, complete, now),
  unknown
})

/**
 * Reads the cluster's ranges, or fails. After that it rereads them regularly until the scope closes. If the API server is
 * unreachable, or refuses to list what it listed before, nothing is removed or opened. `onUnknown` runs at first and whenever the
 * unknown part changes.
 */
export const currentRanges = Effect.fn("currentRanges")(function* (
  set: ReadonlyArray<string>,
  onUnknown: (unknown: string | undefined) => Effect.Effect<void>
) {
  const first = yield* findClusterRanges(set)
  let memory = afterAnswer(start, first, yield* monotonicMillis)
  let current: CurrentRanges = { found: first.found, unknown: unknownText(first) }
  yield* onUnknown(current.unknown)

  const look = Effect.gen(function* () {
    const answer = yield* findClusterRanges(set, rangesIn(memory))
    const before = memory.unknown.filter((each) => answer.unseen.includes(each.of))
    const unknown = [...before, ...answer.unknown.filter((each) => !answer.unseen.includes(each.of))]
    memory = afterAnswer(memory, { ...answer, unknown }, yield* monotonicMillis)
    const { machines, pods, services } = rangesIn(memory)
    const next = { found: canonicalRanges([...services, ...pods, ...machines]), unknown: unknownText({ unknown }) }
    const changed = next.unknown !== current.unknown
    current = next
    if (changed) yield* onUnknown(current.unknown)
  })

  // During an outage, known ranges stay in force.
  yield* keepDoing(
    "reading of the cluster's own ranges",
    { every, after: every },
    look.pipe(Effect.timeoutFail({ duration: every, onTimeout: () => new Error("no answer in time") }))
  )
  return (): CurrentRanges => current
})
