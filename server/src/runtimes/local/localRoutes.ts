import { LocalRoutes } from "../port/LocalRoutes.ts"
import type { ServiceController } from "./controller/ServiceController.ts"

/** The routes to services on this machine, and their sums. */
export const makeLocalRoutes = (
  lookup: (typeof LocalRoutes.Service)["lookup"],
  services: () => Iterable<ServiceController>
) => {
  let coldStarts = 0
  let coldStartMs = 0
  return {
    onColdStart: (ms: number): void => {
      coldStarts++
      coldStartMs += ms
    },
    routes: LocalRoutes.of({
      lookup,
      totals: () => {
        const all = [...services()]
        return {
          services: all.length,
          instances: all.reduce((sum, each) => sum + each.status().instances, 0),
          waiting: all.reduce((sum, each) => sum + each.route.waiting(), 0),
          coldStarts,
          coldStartSeconds: coldStartMs / 1000
        }
      }
    })
  }
}
