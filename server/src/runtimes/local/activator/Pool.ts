import type { Lease } from "../../../base/proxy/Route.ts"
import { makeRequestStats, type RequestStats } from "../autoscaler/Autoscaler.ts"
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

/** The ready instances of one revision and their requests. Plain and synchronous: this is the hot path. */
export interface Pool {
  /** Requests in flight, and those that wait for this revision: what the autoscaler is fed with. */
  readonly stats: RequestStats
  readonly add: (endpoint: Endpoint) => void
  /**
   * A slot on the instance with the fewest requests that is ready and has room. One that failed its last requests is chosen only if there is no
   * other.
   */
  readonly take: () => PoolLease | undefined
  /** Gives an instance no more requests; those in flight go on. */
  readonly drain: (id: string) => void
  /** Takes a drained or suspect instance back. */
  readonly resume: (id: string) => void
  readonly remove: (id: string) => void
  readonly inFlight: (id: string) => number
  /** Requests that it has begun to answer. */
  readonly answered: (id: string) => number
  /**
   * Has it as many requests as it may have at a time; or, of those that came before `since`, one without an answer yet, and as many in all as it
   * hasn't been seen to answer beside? A program may have one thread, and each request may take its time limit.
   */
  readonly isFull: (id: string, since: number) => boolean
  /** It has answered a probe that was sent at `since`. */
  readonly answeredProbe: (id: string, since: number) => void
  readonly ready: () => number
}

interface Slot {
  readonly endpoint: Endpoint
  inFlight: number
  answered: number
  /** When each request without an answer yet was given to it, the oldest first. */
  readonly waiting: Map<PoolLease, number>
  /** So many requests, probes among them, it has been seen to work on at a time: a later one was answered before the others. */
  atOnce: number
  /** Has a request since its last answer taken longer than it may? */
  isOverdue: boolean
  standing: Standing
  state: "open" | "suspect" | "draining" | "removed"
}

/** What works on so many requests at a time has no small number of threads. */
const manyAtOnce = 32

/** If more wait, it does less harm to end one that is slow than to leave one that is frozen. */
const fewWaiting = 8

/** Of requests given to an instance before `since`, how many have no answer yet; no more than matter are counted. */
const olderThan = ({ waiting }: Slot, since: number): number => {
  let older = 0
  for (const at of waiting.values()) {
    if (at >= since || older >= manyAtOnce) break
    older++
  }
  return older
}

const sawBeside = (slot: Slot, since: number) => {
  if (slot.waiting.size > 0 && slot.atOnce < manyAtOnce) slot.atOnce = Math.max(slot.atOnce, olderThan(slot, since) + 1)
}

const isBusy = (slot: Slot, since: number): boolean =>
  !slot.isOverdue &&
  slot.waiting.size >= slot.atOnce &&
  slot.waiting.size <= Math.max(fewWaiting, 2 * slot.atOnce) &&
  slot.atOnce < manyAtOnce &&
  olderThan(slot, since) > 0

/** `maxConcurrency` is the hard limit per instance; 0 is none. */
export const makePool = (maxConcurrency: number, events: PoolEvents): Pool => {
  const stats = makeRequestStats(performance.now())
  const limit = maxConcurrency === 0 ? Number.POSITIVE_INFINITY : maxConcurrency
  const slots: Array<Slot> = []
  let turn = 0

  const find = (id: string) => slots.find((_) => _.endpoint.id === id)

  const leaseOf = (slot: Slot, takenAt: number): PoolLease => {
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

  return {
    stats,
    add: (endpoint) => {
      slots.push({
        endpoint,
        inFlight: 0,
        answered: 0,
        waiting: new Map(),
        atOnce: 1,
        isOverdue: false,
        standing: goodStanding,
        state: "open"
      })
      events.onRoom()
    },
    take: () => {
      let best: Slot | undefined
      let passedOver: Slot | undefined
      const now = performance.now()
      const count = slots.length
      // Starts at another instance each time, so that equally loaded ones share.
      for (let i = 0; i < count; i++) {
        const slot = slots[(turn + i) % count]
        if (slot === undefined || slot.state !== "open" || slot.inFlight >= limit || !slot.endpoint.isReady()) continue
        if (isEjected(slot.standing, now)) {
          if (passedOver === undefined || slot.inFlight < passedOver.inFlight) passedOver = slot
          continue
        }
        if (best === undefined || slot.inFlight < best.inFlight) best = slot
        if (best.inFlight === 0) break
      }
      best ??= passedOver
      if (best === undefined) return undefined
      turn = (turn + 1) % count
      best.inFlight++
      stats.requestStarted(now)
      return leaseOf(best, now)
    },
    drain: (id) => {
      const slot = find(id)
      if (slot === undefined || slot.state === "draining") return
      slot.state = "draining"
      if (slot.inFlight === 0) events.onDrained(id)
    },
    resume: (id) => {
      const slot = find(id)
      if (slot === undefined || slot.state === "open") return
      slot.state = "open"
      events.onRoom()
    },
    remove: (id) => {
      const at = slots.findIndex((_) => _.endpoint.id === id)
      const [slot] = at < 0 ? [] : slots.splice(at, 1)
      if (slot !== undefined) slot.state = "removed"
    },
    inFlight: (id) => find(id)?.inFlight ?? 0,
    answered: (id) => find(id)?.answered ?? 0,
    isFull: (id, since) => {
      const slot = find(id)
      return slot !== undefined && (slot.inFlight >= limit || isBusy(slot, since))
    },
    answeredProbe: (id, since) => {
      const slot = find(id)
      if (slot !== undefined) sawBeside(slot, since)
    },
    ready: () => slots.reduce((sum, _) => sum + (_.state === "open" && _.endpoint.isReady() ? 1 : 0), 0)
  }
}
