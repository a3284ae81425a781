import type { Lease } from "../../../base/proxy/Route.ts"
import type { RequestStats } from "../autoscaler/Autoscaler.ts"
import { afterRequest, goodStanding, isEjected, type Outcome, type Standing } from "./outliers.ts"

/** Where an instance listens, and whether its readiness probe succeeds now. */
export interface Endpoint {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly isReady: () => boolean
}

export interface PoolEvents {
  /** A slot may have become free. */
  readonly onRoom: () => void
  /** An instance that takes no more requests has answered its last one. */
  readonly onDrained: (id: string) => void
  /** An instance dropped a request before it answered: it gets none until `resume`. */
  readonly onSuspect: (id: string) => void
}

/** A slot on an instance that is known by its id. */
export interface PoolLease extends Lease {
  readonly id: string
}

/** A pool's record of one instance. Each request in flight on it holds a `PoolLease`. */
export interface Slot {
  readonly endpoint: Endpoint
  inFlight: number
  answered: number
  /** When each request without an answer yet was given to it, the oldest first. */
  readonly waiting: Map<PoolLease, number>
  /** The most requests, probes included, that it was seen to work on at a time: it answered one while older ones waited. */
  atOnce: number
  /** Has a request since its last answer taken longer than it may? */
  isOverdue: boolean
  standing: Standing
  state: "open" | "suspect" | "draining" | "removed"
}

/** An instance that works on this many requests at a time isn't limited by a few threads, so silence means that it is frozen. */
const manyAtOnce = 32

/** If more wait, ending a slow instance does less harm than leaving a frozen one. */
const fewWaiting = 8

/** Counts the unanswered requests that an instance got before `since`, up to `manyAtOnce`. */
const olderThan = ({ waiting }: Slot, since: number): number => {
  let older = 0
  for (const at of waiting.values()) {
    if (at >= since || older >= manyAtOnce) break
    older++
  }
  return older
}

export const sawBeside = (slot: Slot, since: number) => {
  if (slot.waiting.size > 0 && slot.atOnce < manyAtOnce) slot.atOnce = Math.max(slot.atOnce, olderThan(slot, since) + 1)
}

export const isBusy = (slot: Slot, since: number): boolean =>
  !slot.isOverdue &&
  slot.waiting.size >= slot.atOnce &&
  slot.waiting.size <= Math.max(fewWaiting, 2 * slot.atOnce) &&
  slot.atOnce < manyAtOnce &&
  olderThan(slot, since) > 0

export const slotOf = (endpoint: Endpoint): Slot => ({
  endpoint,
  inFlight: 0,
  answered: 0,
  waiting: new Map(),
  atOnce: 1,
  isOverdue: false,
  standing: goodStanding,
  state: "open"
})

/** The open slot with room that has the fewest requests; one that failed its last requests only if there is no other. */
export const freest = (slots: ReadonlyArray<Slot>, from: number, limit: number, now: number): Slot | undefined => {
  let best: Slot | undefined
  let passedOver: Slot | undefined
  const count = slots.length
  // Starts at another instance each time, so that equally loaded ones share.
  for (let i = 0; i < count; i++) {
    const slot = slots[(from + i) % count]
    if (slot === undefined || slot.state !== "open" || slot.inFlight >= limit || !slot.endpoint.isReady()) continue
    if (isEjected(slot.standing, now)) {
      if (passedOver === undefined || slot.inFlight < passedOver.inFlight) passedOver = slot
      continue
    }
    if (best === undefined || slot.inFlight < best.inFlight) best = slot
    if (best.inFlight === 0) break
  }
  return best ?? passedOver
}

/** A request's hold on an instance. Notes in the instance's record what becomes of the request. */
export const leaseOf = (slot: Slot, takenAt: number, stats: RequestStats, events: PoolEvents): PoolLease => {
  let held = true
  const note = (outcome: Outcome) => {
    if (slot.standing !== goodStanding || outcome === "failed")
      slot.standing = afterRequest(slot.standing, outcome, performance.now())
  }
  const lease: PoolLease = {
    id: slot.endpoint.id,
    host: slot.endpoint.host,
    port: slot.endpoint.port,
    release: () => {
      if (!held) return
      held = false
      slot.waiting.delete(lease)
      slot.inFlight--
      stats.requestEnded(performance.now())
      if (slot.state === "open") events.onRoom()
      else if (slot.inFlight === 0 && slot.state === "draining") events.onDrained(slot.endpoint.id)
    },
    answered: () => {
      slot.answered++
      slot.isOverdue = false
      slot.waiting.delete(lease)
      sawBeside(slot, takenAt)
      note("answered")
    },
    overdue: () => {
      slot.isOverdue = true
      note("failed")
    },
    failed: () => {
      note("failed")
      if (slot.state !== "open") return
      slot.state = "suspect"
      events.onSuspect(slot.endpoint.id)
    }
  }
  slot.waiting.set(lease, takenAt)
  return lease
}
