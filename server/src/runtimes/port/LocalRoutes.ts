import { Context, Layer } from "effect"
import type { Lookup } from "../../base/proxy/Route.ts"

/** Sums over all services of the local runtime, for its metrics. */
export interface LocalTotals {
  readonly services: number
  readonly instances: number
  /** Requests that are held now. */
  readonly waiting: number
  /** Services at zero that a request has woken, since the server's start. */
  readonly coldStarts: number
  /** Seconds from those requests until an instance was ready, summed up. */
  readonly coldStartSeconds: number
}

/** The way of requests from outside to the local runtime's services. */
export class LocalRoutes extends Context.Tag("@maxcloud/server/LocalRoutes")<
  LocalRoutes,
  {
    readonly lookup: Lookup
    readonly totals: () => LocalTotals
  }
>() {}

/** For a runtime whose own gateway takes the requests. */
export const layerNone = Layer.succeed(LocalRoutes, {
  lookup: () => undefined,
  totals: () => ({ services: 0, instances: 0, waiting: 0, coldStarts: 0, coldStartSeconds: 0 })
})
