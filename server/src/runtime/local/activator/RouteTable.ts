import type { Lookup, Route } from "../proxy/Route.ts"

/** What a service is reached by from outside. */
export interface PublicName {
  readonly service: string
  readonly organization: string
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
 * Hosts are `<service>--<namespace>.<domain>`, and short `<service>-<organization>.<domain>` where only one service can
 * be meant: the one in production if there is just one, else the only one of all stages.
 */
export const makeRouteTable = (domain: string): RouteTable => {
  const routes = new Map<string, Route>()
  const aliases = new Map<string, Array<{ readonly host: string; readonly production: boolean }>>()
  const hostOf = (name: PublicName) => `${name.service}--${name.namespace}.${domain}`
  const aliasOf = (name: PublicName) => `${name.service}-${name.organization}.${domain}`

  const meantBy = (alias: string): string | undefined => {
    const all = aliases.get(alias) ?? []
    const production = all.filter((_) => _.production)
    const [only, ...others] = production.length > 0 ? production : all
    return others.length === 0 ? only?.host : undefined
  }

  const remove = (name: PublicName) => {
    const host = hostOf(name)
    if (!routes.delete(host)) return
    const alias = aliasOf(name)
    const rest = (aliases.get(alias) ?? []).filter((_) => _.host !== host)
    if (rest.length === 0) aliases.delete(alias)
    else aliases.set(alias, rest)
  }

  return {
    lookup: (host) => routes.get(host) ?? routes.get(meantBy(host) ?? ""),
    add: (name, route) => {
      remove(name)
      const host = hostOf(name)
      routes.set(host, route)
      const alias = aliasOf(name)
      aliases.set(alias, [...(aliases.get(alias) ?? []), { host, production: name.namespace === name.organization }])
    },
    remove
  }
}
