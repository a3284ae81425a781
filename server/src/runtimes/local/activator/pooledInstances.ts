import type { Lease } from "../../../base/proxy/Route.ts"
import type { RequestStats } from "../autoscaler/Autoscaler.ts"
import { afterRequest, goodStanding, isEjected, type Outcome, type Standing } from "./outliers.ts"

/** An instance's address, and whether its readiness probe succeeds now. */
export interface Endpoint {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly isReady: () => boolean
}

export interface PoolEvents {
  /** A slot may have become free. */
  readonly onRoom: () => void
  /** A closed instance has answered its last request. */
  readonly onDrained: (id: string) => void
  /** An instance dropped a request before answering: it gets none until `resume`. */
  readonly onSuspect: (id: string) => void
}

/** A slot on an instance, with the instance's id. */
export interface PoolLease extends Lease {
  readonly id: string
}

/** A pool's record of one instance. Each of its requests in progress holds a `PoolLease`. */
export interface PooledInstance {
  readonly endpoint: Endpoint
  inFlight: number
  answered: number
  /** When each unanswered request arrived, oldest first. */
  readonly waiting: Map<PoolLease, number>
  /**
   * The highest number of concurrent requests, including probes, that it was seen to handle: it answered one while older ones
   * waited.
   */
  atOnce: number
  /** Has a request since its last answer exceeded its timeout? */
  isOverdue: boolean
  standing: Standing
  state: "open" | "suspect" | "draining" | "removed"
}

/** An instance that handles this many requests at once isn't limited by a few threads, so silence means that it is frozen. */
const manyAtOnce = 32

/** With more waiting requests, stopping a slow instance does less harm than leaving a frozen one. */
const fewWaiting = 8

/** Counts unanswered requests that an instance got before `since`, up to `manyAtOnce`. */
const olderThan = ({ waiting }: PooledInstance, since: number): number => {
  let older = 0
  for (const at of waiting.values()) {
    if (at >= since || older >= manyAtOnce) break
    older++
  }
  return older
}

export const sawBeside = (instance: PooledInstance, since: number) => {
  if (instance.waiting.size > 0 && instance.atOnce < manyAtOnce)
    instance.atOnce = Math.max(instance.atOnce, olderThan(instance, since) + 1)
}

export const isBusy = (instance: PooledInstance, since: number): boolean =>
  !instance.isOverdue &&
  instance.waiting.size >= instance.atOnce &&
  instance.waiting.size <= Math.max(fewWaiting, 2 * instance.atOnce) &&
  instance.atOnce < manyAtOnce &&
  olderThan(instance, since) > 0

export const pooledInstanceOf = (endpoint: Endpoint): PooledInstance => ({
  endpoint,
  inFlight: 0,
  answered: 0,
  waiting: new Map(),
  atOnce: 1,
  isOverdue: false,
  standing: goodStanding,
  state: "open"
})

/** The open instance with room and the fewest requests; one that failed its last requests only if there is no other. */
export const freest = (
  instances: ReadonlyArray<PooledInstance>,
  from: number,
  limit: number,
  now: number
): PooledInstance | undefined => {
  let best: PooledInstance | undefined
  let passedOver: PooledInstance | undefined
  const count = instances.length
  // Start at a different instance each time, so that equally loaded ones share.
  for (let i = 0; i < count; i++) {
    const instance = instances[(from + i) % count]
    if (
      instance === undefined ||
      instance.state !== "open" ||
      instance.inFlight >= limit ||
      !instance.endpoint.isReady()
    )
      continue
    if (isEjected(instance.standing, now)) {
      if (passedOver === undefined || instance.inFlight < passedOver.inFlight) passedOver = instance
      continue
    }
    if (best === undefined || instance.inFlight < best.inFlight) best = instance
    if (best.inFlight === 0) break
  }
  return best ?? passedOver
}

/** A request's slot on an instance. Records the request's outcome. */
export const leaseOf = (
  instance: PooledInstance,
  takenAt: number,
  stats: RequestStats,
  events: PoolEvents
): PoolLease => {
  let held = true
  const note = (outcome: Outcome) => {
    if (instance.standing !== goodStanding || outcome === "failed")
      instance.standing = afterRequest(instance.standing, outcome, performance.now())
  }
  const lease: PoolLease = {
    id: instance.endpoint.id,
    host: instance.endpoint.host,
    port: instance.endpoint.port,
    release: () => {
      if (!held) return
      held = false
      instance.waiting.delete(lease)
      instance.inFlight--
      stats.requestEnded(performance.now())
      if (instance.state === "open") events.onRoom()
      else if (instance.inFlight === 0 && instance.state === "draining") events.onDrained(instance.endpoint.id)
    },
    answered: () => {
      instance.answered++
      instance.isOverdue = false
      instance.waiting.delete(lease)
      sawBeside(instance, takenAt)
      note("answered")
    },
    overdue: () => {
      instance.isOverdue = true
      note("failed")
    },
    failed: () => {
      note("failed")
      if (instance.state !== "open") return
      instance.state = "suspect"
      events.onSuspect(instance.endpoint.id)
    }
  }
  instance.waiting.set(lease, takenAt)
  return lease
}
