import { Context, Layer } from "effect"
import type { Lookup } from "../../base/proxy/Route.ts"

/** Sums over all services of the local runtime, for its metrics. */
export interface LocalTotals {
  readonly services: number
  readonly instances: number
  /** Currently held requests. */
  readonly waiting: number
  /** Services at zero that a request has woken, since the server's start. */
  readonly coldStarts: number
  /** Total seconds from those requests until an instance was ready. */
  readonly coldStartSeconds: number
}

/** The route of external requests to the local runtime's services. */
export class LocalRoutes extends Context.Tag("@maxcloud/server/LocalRoutes")<
  LocalRoutes,
  {
    readonly lookup: Lookup
    /** undefined: the runtime isn't the local one. */
    readonly totals: (() => LocalTotals) | undefined
  }
>() {}

/** For a runtime with its own gateway for requests. */
export const layerNone = Layer.succeed(LocalRoutes, {
  lookup: () => undefined,
  totals: undefined
})
