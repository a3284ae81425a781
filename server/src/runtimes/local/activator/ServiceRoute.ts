import { NoInstance, type Route } from "../../../base/proxy/Route.ts"
import type { Pool, PoolLease } from "./Pool.ts"

/** The revision that receives a service's requests. */
export interface RouteTarget {
  readonly pool: Pool
  readonly protocol: Route["protocol"]
  readonly timeoutMs: number
}

export interface ServiceRouteEvents {
  /** Runs before a request is held. Returns a refusal if no instance can be expected. */
  readonly beforeHold: () => NoInstance | undefined
  /** Called when a request is held: instances are needed. */
  readonly onHold: () => void
  /** The refusal of a request that has waited too long. */
  readonly explain: (waitedMs: number) => NoInstance
}

/**
 * The activator of one service. Holds requests, first come first served, while no instance has room: at zero, during restarts,
 * and while revisions change. A held request belongs to the service, not to a revision.
 */
export interface ServiceRoute extends Route {
  readonly acquire: (signal: AbortSignal) => PoolLease | Promise<PoolLease>
  readonly setTarget: (target: RouteTarget | undefined) => void
  readonly waiting: () => number
  /** Gives held requests the available slots. */
  readonly pump: () => void
  readonly refuseAll: (error: NoInstance) => void
}

interface Waiter {
  readonly resolve: (lease: PoolLease) => void
  readonly reject: (error: unknown) => void
}

/** The maximum number of held requests for one service. */
export const maxWaiting = 10_000

const defaultTimeoutMs = 300_000

export const makeServiceRoute = (key: string, events: ServiceRouteEvents): ServiceRoute => {
  // A Set keeps the order of arrival, and deletes in constant time.
  const waiters = new Set<Waiter>()
  let target: RouteTarget | undefined

  const leave = (waiter: Waiter): boolean => {
    if (!waiters.delete(waiter)) return false
    target?.pool.stats.requestEnded(performance.now())
    return true
  }

  const hold = (signal: AbortSignal): Promise<PoolLease> => {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (waiters.size >= maxWaiting) {
      return Promise.reject(new NoInstance(503, `${maxWaiting} requests are already waiting for this service`, 1))
    }
    const refusal = events.beforeHold()
    if (refusal !== undefined) return Promise.reject(refusal)
    return new Promise<PoolLease>((resolve, reject) => {
      const timeoutMs = target?.timeoutMs ?? defaultTimeoutMs
      waiters.add(waiterOf({ resolve, reject }, signal, timeoutMs, leave, events.explain))
      target?.pool.stats.requestStarted(performance.now())
      events.onHold()
    })
  }

  const pump = () => {
    for (const waiter of waiters) {
      const lease = target?.pool.take()
      if (lease === undefined) return
      leave(waiter)
      waiter.resolve(lease)
    }
  }

  return {
    key,
    overdue: events.explain,
    get protocol() {
      return target?.protocol ?? "http1"
    },
    get timeoutMs() {
      return target?.timeoutMs ?? defaultTimeoutMs
    },
    acquire: (signal) => {
      if (waiters.size === 0) {
        const lease = target?.pool.take()
        if (lease !== undefined) return lease
      }
      return hold(signal)
    },
    setTarget: (next) => {
      const now = performance.now()
      for (const _ of waiters) {
        target?.pool.stats.requestEnded(now)
        next?.pool.stats.requestStarted(now)
      }
      target = next
      pump()
    },
    waiting: () => waiters.size,
    pump,
    refuseAll: (error) => {
      for (const waiter of waiters) if (leave(waiter)) waiter.reject(error)
    }
  }
}

/** Waits for a lease until the caller leaves or the request's timeout is over. `leave`: was it still waiting? */
const waiterOf = (
  { reject, resolve }: Waiter,
  signal: AbortSignal,
  timeoutMs: number,
  leave: (waiter: Waiter) => boolean,
  explain: ServiceRouteEvents["explain"]
): Waiter => {
  const done = () => {
    clearTimeout(timer)
    signal.removeEventListener("abort", onAbort)
  }
  const waiter: Waiter = {
    resolve: (lease) => {
      done()
      resolve(lease)
    },
    reject: (error) => {
      done()
      reject(error)
    }
  }
  const onAbort = () => {
    if (leave(waiter)) waiter.reject(signal.reason)
  }
  const timer = setTimeout(() => {
    if (leave(waiter)) waiter.reject(explain(timeoutMs))
  }, timeoutMs)
  signal.addEventListener("abort", onAbort, { once: true })
  return waiter
}
