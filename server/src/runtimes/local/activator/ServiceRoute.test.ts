import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { type Lease, NoInstance } from "../../../base/proxy/Route.ts"
import { makePool, type Pool } from "./Pool.ts"
import { makeServiceRoute, maxWaiting, type ServiceRoute } from "./ServiceRoute.ts"

const never = new AbortController().signal
const settled = () => new Promise((resolve) => setImmediate(resolve))

const makePoolFor = (
  route: () => ServiceRoute,
  maxConcurrency: number,
  events: { suspect?: (id: string) => void } = {}
) =>
  makePool(maxConcurrency, {
    onRoom: () => route().pump(),
    onDrained: () => undefined,
    onSuspect: (id) => events.suspect?.(id)
  })

const routeOn = (maxConcurrency: number, ids: ReadonlyArray<string> = []) => {
  const route = makeServiceRoute("key", {
    beforeHold: () => undefined,
    onHold: () => undefined,
    explain: () => new NoInstance(504, "too late")
  })
  const pool = makePoolFor(() => route, maxConcurrency)
  route.setTarget({ pool, protocol: "http1", timeoutMs: 60_000 })
  for (const id of ids) pool.add({ id, host: id, port: 1, isReady: () => true })
  return { route, pool }
}

const isLease = (taken: Lease | Promise<Lease>): taken is Lease => !(taken instanceof Promise)
const leaseNow = (route: ServiceRoute): Lease => {
  const taken = route.acquire(never)
  if (!isLease(taken)) throw new Error("held")
  return taken
}

describe("ServiceRoute", () => {
  it("chooses the instance with the fewest requests, and shares among equals", () => {
    const { route } = routeOn(0, ["a", "b", "c"])
    const hosts = Array.from({ length: 6 }, () => leaseNow(route).host)
    expect([...hosts].sort()).toStrictEqual(["a", "a", "b", "b", "c", "c"])
  })

  it("returns a lease once, however often it is released", () => {
    const { route } = routeOn(1, ["a"])
    const lease = leaseNow(route)
    lease.release()
    lease.release()
    leaseNow(route)
    expect(isLease(route.acquire(never))).toBe(false)
  })

  it("holds requests through a change of revision, in order", async () => {
    const { route } = routeOn(1, ["old"])
    leaseNow(route)
    const order: Array<string> = []
    for (const name of ["first", "second", "third"]) {
      void Promise.resolve(route.acquire(never)).then((lease) => {
        order.push(`${name} ${lease.host}`)
        setImmediate(lease.release)
      })
    }
    const next = makePoolFor(() => route, 1)
    next.add({ id: "new", host: "new", port: 1, isReady: () => true })
    route.setTarget({ pool: next, protocol: "http1", timeoutMs: 1000 })
    for (let i = 0; i < 5; i++) await settled()
    expect(order).toStrictEqual(["first new", "second new", "third new"])
    expect(next.stats.inFlight()).toBe(0)
  })

  it("lets a caller leave, and answers one that waited too long", async () => {
    const { pool, route } = routeOn(1)
    route.setTarget({ pool, protocol: "http1", timeoutMs: 20 })
    const caller = new AbortController()
    const gone = Promise.resolve(route.acquire(caller.signal)).catch((error: unknown) => error)
    const late = Promise.resolve(route.acquire(never)).catch((error: unknown) => error)
    caller.abort("gone")
    expect(await gone).toBe("gone")
    expect(await late).toMatchObject({ status: 504 })
    expect(route.waiting()).toBe(0)
    expect(pool.stats.inFlight()).toBe(0)
  })

  it("refuses requests beyond its limit", async () => {
    const { route } = routeOn(1)
    const callers = Array.from({ length: maxWaiting }, () => new AbortController())
    const held = callers.map((caller) => Promise.resolve(route.acquire(caller.signal)).catch(() => 0))
    const one = await Promise.resolve(route.acquire(never)).catch((error: unknown) => error)
    expect(one).toMatchObject({ status: 503, retryAfterSeconds: 1 })
    for (const caller of callers) caller.abort("gone")
    await Promise.all(held)
  })

  it("never exceeds the limit, keeps the order and loses no request, whatever instances do", async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant({ do: "acquire" } as const) },
      { weight: 5, arbitrary: fc.record({ do: fc.constant("release" as const), at: fc.nat(50) }) },
      { weight: 2, arbitrary: fc.constant({ do: "add" } as const) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("die" as const), at: fc.nat(5) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("drain" as const), at: fc.nat(5) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("abort" as const), at: fc.nat(50) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("flip" as const), at: fc.nat(5) }) },
      { weight: 1, arbitrary: fc.constant({ do: "switch" } as const) }
    )
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 80, size: "max" }),
        async (limit, steps) => {
          const world = makeWorld(limit)
          for (const one of steps) {
            world[one.do]("at" in one ? one.at : 0)
            await settled()
            world.check()
          }
          await world.finish()
        }
      ),
      { numRuns: 150 }
    )
  })
})

/** A model of callers and instances around one route. */
const makeWorld = (limit: number) => {
  const { pool: first, route } = routeOn(limit)
  let pool: Pool = first
  const alive = new Map<string, Pool>()
  const drained = new Set<string>()
  const unready = new Set<string>()
  const onInstance = new Map<string, number>()
  const waiting: Array<{ readonly id: number; readonly caller: AbortController }> = []
  const held: Array<{ readonly id: number; readonly lease: Lease }> = []
  const problems: Array<string> = []
  let nextInstance = 0
  let nextCaller = 0

  const take = (id: number, lease: Lease) => {
    const count = (onInstance.get(lease.host) ?? 0) + 1
    onInstance.set(lease.host, count)
    if (count > limit) problems.push(`${count} requests on ${lease.host}`)
    if (!alive.has(lease.host)) problems.push(`a lease on ${lease.host}, which is gone`)
    held.push({ id, lease })
  }
  const call = (id: number) => {
    const caller = new AbortController()
    const taken = route.acquire(caller.signal)
    if (isLease(taken)) {
      if (waiting.length > 0) problems.push(`caller ${id} came before ${waiting[0]?.id}`)
      return take(id, taken)
    }
    const waiter = { id, caller }
    waiting.push(waiter)
    void taken.then(
      (lease) => {
        if (waiting[0] !== waiter) problems.push(`caller ${id} was served before ${waiting[0]?.id}`)
        waiting.splice(waiting.indexOf(waiter), 1)
        take(id, lease)
      },
      () => waiting.splice(waiting.indexOf(waiter), 1)
    )
  }
  const giveBack = (index: number, dropped: boolean) => {
    const [one] = held.splice(index, 1)
    if (one === undefined) return
    onInstance.set(one.lease.host, (onInstance.get(one.lease.host) ?? 0) - 1)
    if (dropped) one.lease.failed()
    one.lease.release()
    // A request dropped before its answer is sent again, as a new caller.
    if (dropped) call(nextCaller++)
  }
  const pick = (at: number) => [...alive.keys()].at(at % Math.max(1, alive.size))

  return {
    acquire: () => call(nextCaller++),
    release: (at: number) => giveBack(at % Math.max(1, held.length), false),
    add: () => {
      const id = `i${nextInstance++}`
      alive.set(id, pool)
      pool.add({ id, host: id, port: 1, isReady: () => !unready.has(id) })
    },
    die: (at: number) => {
      const id = pick(at)
      if (id === undefined) return
      const of = alive.get(id)
      alive.delete(id)
      of?.remove(id)
      for (let i = held.length - 1; i >= 0; i--) if (held[i]?.lease.host === id) giveBack(i, true)
    },
    drain: (at: number) => {
      const id = pick(at)
      if (id === undefined) return
      drained.add(id)
      alive.get(id)?.drain(id)
    },
    /** Its readiness changes silently: a request may arrive before anyone checks. */
    flip: (at: number) => {
      const id = pick(at)
      if (id === undefined) return
      if (!unready.delete(id)) unready.add(id)
      call(nextCaller++)
      route.pump()
    },
    abort: (at: number) => waiting[at % Math.max(1, waiting.length)]?.caller.abort("gone"),
    switch: () => {
      pool = makePoolFor(() => route, limit)
      route.setTarget({ pool, protocol: "http1", timeoutMs: 60_000 })
    },
    check: () => {
      expect(problems).toStrictEqual([])
      expect(route.waiting()).toBe(waiting.length)
      const room = [...alive].filter(
        ([id, of]) => of === pool && !drained.has(id) && !unready.has(id) && (onInstance.get(id) ?? 0) < limit
      )
      expect(waiting.length === 0 || room.length === 0, `${waiting.length} wait while ${room.length} have room`).toBe(
        true
      )
    },
    /** With room for all, everybody is served. */
    finish: async () => {
      for (let i = 0; waiting.length > 0 || held.length > 0; i++) {
        expect(i, `${waiting.length} wait, ${held.length} are held`).toBeLessThan(500)
        const id = `last${nextInstance++}`
        alive.set(id, pool)
        pool.add({ id, host: id, port: 1, isReady: () => true })
        while (held.length > 0) giveBack(0, false)
        await settled()
      }
      expect(problems).toStrictEqual([])
      expect(pool.stats.inFlight()).toBe(0)
    }
  }
}
