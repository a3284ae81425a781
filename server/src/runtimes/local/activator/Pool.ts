import { makeRequestStats, type RequestStats } from "../autoscaler/Autoscaler.ts"
import {
  type Endpoint,
  freest,
  isBusy,
  leaseOf,
  type PoolEvents,
  type PooledInstance,
  type PoolLease,
  pooledInstanceOf,
  sawBeside
} from "./pooledInstances.ts"

export type { PoolLease } from "./pooledInstances.ts"

/** The ready instances of one revision and their requests. Plain and synchronous: this is the hot path. */
export interface Pool {
  /** Requests in progress and waiting for this revision, as input of the autoscaler. */
  readonly stats: RequestStats
  readonly add: (endpoint: Endpoint) => void
  /**
   * A slot on the ready instance with room and the fewest requests. An instance that failed its last requests is chosen only if
   * there is no other.
   */
  readonly take: () => PoolLease | undefined
  /** Sends an instance no more requests; those in progress continue. */
  readonly drain: (id: string) => void
  /** Accepts a drained or suspect instance again. */
  readonly resume: (id: string) => void
  readonly remove: (id: string) => void
  readonly inFlight: (id: string) => number
  /** How many requests it has begun to answer. */
  readonly answered: (id: string) => number
  /**
   * Is a silent instance busy rather than frozen? True at `maxConcurrency`, or while a request from before `since` waits and the
   * instance has never answered with as many requests open. A program may have one thread, and each request may take its whole
   * timeout.
   */
  readonly isFull: (id: string, since: number) => boolean
  /** It has answered a probe sent at `since`. */
  readonly answeredProbe: (id: string, since: number) => void
  readonly ready: () => number
}

/** `maxConcurrency` is the hard limit per instance; 0 means none. */
export const makePool = (maxConcurrency: number, events: PoolEvents): Pool => {
  const stats = makeRequestStats(performance.now())
  const limit = maxConcurrency === 0 ? Number.POSITIVE_INFINITY : maxConcurrency
  const instances: Array<PooledInstance> = []
  let turn = 0

  const find = (id: string) => instances.find((instance) => instance.endpoint.id === id)

  return {
    stats,
    add: (endpoint) => {
      instances.push(pooledInstanceOf(endpoint))
      events.onRoom()
    },
    take: () => {
      const now = performance.now()
      const instance = freest(instances, turn, limit, now)
      if (instance === undefined) return undefined
      turn = (turn + 1) % instances.length
      instance.inFlight++
      stats.requestStarted(now)
      return leaseOf(instance, now, stats, events)
    },
    drain: (id) => {
      const instance = find(id)
      if (instance === undefined || instance.state === "draining") return
      instance.state = "draining"
      if (instance.inFlight === 0) events.onDrained(id)
    },
    resume: (id) => {
      const instance = find(id)
      if (instance === undefined || instance.state === "open") return
      instance.state = "open"
      events.onRoom()
    },
    remove: (id) => {
      const at = instances.findIndex((instance) => instance.endpoint.id === id)
      const [instance] = at < 0 ? [] : instances.splice(at, 1)
      if (instance !== undefined) instance.state = "removed"
    },
    inFlight: (id) => find(id)?.inFlight ?? 0,
    answered: (id) => find(id)?.answered ?? 0,
    isFull: (id, since) => {
      const instance = find(id)
      return instance !== undefined && (instance.inFlight >= limit || isBusy(instance, since))
    },
    answeredProbe: (id, since) => {
      const instance = find(id)
      if (instance !== undefined) sawBeside(instance, since)
    },
    ready: () =>
      instances.reduce((sum, instance) => sum + (instance.state === "open" && instance.endpoint.isReady() ? 1 : 0), 0)
  }
}
