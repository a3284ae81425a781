import { hostLabelOf } from "@maxcloud/synth"
import type { Lookup, Route } from "../../../base/proxy/Route.ts"
import type { ServiceKey } from "../../port/Runtime.ts"

/** The names that form a service's host. */
export type PublicName = Pick<ServiceKey, "organization" | "app" | "stage" | "service">

/** Finds a service's route by the host of a request. */
export interface RouteTable {
  readonly lookup: Lookup
  readonly add: (name: PublicName, route: Route) => void
  readonly remove: (name: PublicName) => void
}

/** The only host of a service. */
export const publicHostOf = (name: PublicName, domain: string) => `${hostLabelOf(name.service, name)}.${domain}`

export const makeRouteTable = (domain: string): RouteTable => {
  const routes = new Map<string, Route>()
  return {
    lookup: (host) => routes.get(host),
    add: (name, route) => {
      routes.set(publicHostOf(name, domain), route)
    },
    remove: (name) => {
      routes.delete(publicHostOf(name, domain))
    }
  }
}
