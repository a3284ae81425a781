import type { Lookup, Route } from "../../../base/proxy/Route.ts"

/** The name by which a service is reached from outside. */
export interface PublicName {
  readonly service: string
  /** `<organization>` for production, else `<stage>--<organization>`. */
  readonly namespace: string
}

/** Finds a service's route by the host of a request. */
export interface RouteTable {
  readonly lookup: Lookup
  readonly add: (name: PublicName, route: Route) => void
  readonly remove: (name: PublicName) => void
}

/**
 * The one host of a service: `<service>--<namespace>.<domain>`. No name has "--", so a host belongs to one service. With a single dash
 * `a-b` of `c` and `a` of `b-c` would share one.
 */
export const publicHostOf = ({ namespace, service }: PublicName, domain: string) => `${service}--${namespace}.${domain}`

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
