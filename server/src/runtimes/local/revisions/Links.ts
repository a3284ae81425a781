import { Effect } from "effect"
import type { Route } from "../../../base/proxy/Route.ts"
import { type ContainerHost, InstanceFailed, type InstanceSpec, type NetworkOwner } from "../instances/Instance.ts"

export interface OpenedLink {
  readonly port: number
  readonly close: () => Promise<void>
}

/**
 * Listens, and uses the service's route at the time of each request. Port 0 means any free port. Rejects if the port is taken.
 * Hangs up on connections from addresses that `accepts` refuses.
 */
export type OpenLink = (options: {
  readonly route: () => Route | undefined
  readonly host: string
  readonly port: number
  readonly accepts?: (remoteAddress: string) => boolean
}) => Promise<OpenedLink>

/** The origin of a link's requests: processes of this machine, or a container's network. */
export type LinkNetwork = "loopback" | "containers"

export interface Callee extends NetworkOwner {
  readonly service: string
}

export interface LinksInput {
  readonly open: OpenLink
  readonly containerHost: (caller: NetworkOwner) => Effect.Effect<ContainerHost | undefined, InstanceFailed>
  /** The current route of a service, if it has one. */
  readonly routeOf: (callee: Callee) => Route | undefined
  /** May a service call one of another namespace? Both configs must say so. */
  readonly mayCall: (caller: Callee, callee: Callee) => boolean
  /** The link's previous port, or undefined. */
  readonly portOf: (callee: Callee, network: LinkNetwork) => number | undefined
  readonly onPort: (callee: Callee, network: LinkNetwork, port: number) => void
}

/**
 * Loopback listeners through which instances reach other services of their namespace, and those that other apps export to theirs.
 * They replace Knative's cluster-local hosts, which nothing resolves here. There is one per callee (and another if containers
 * can't reach loopback), on the same port as long as the server runs, and after a restart if the port is free.
 */
export interface Links {
  /** Replaces cluster-local hosts in an environment variable's value with the listeners' addresses. */
  readonly rewrite: (
    caller: Callee,
    kind: InstanceSpec["program"]["kind"],
    value: string
  ) => Effect.Effect<string, InstanceFailed>
  readonly close: (callee: Callee) => Promise<void>
  readonly closeAll: () => Promise<void>
}

/**
 * A name begins where a run of its characters begins, so each run is read once. Scanning from every `\b`, as often as it has
 * parts, took seconds for 32 KiB of `a-`.
 */
const clusterLocal = /(?<![\w-])(-*)([a-z][a-z0-9-]*)\.([a-z0-9-]+)\.svc\.cluster\.local(?![\w-])(?::\d+)?/g

const loopbackHost: ContainerHost = { address: "127.0.0.1", bind: () => "127.0.0.1", accepts: () => true }

export const makeLinks = ({ containerHost, mayCall, onPort, open, portOf, routeOf }: LinksInput): Links => {
  const links = new Map<string, Promise<OpenedLink>>()
  const keyOf = (callee: Callee, network: LinkNetwork) =>
    `${callee.organizationId}/${callee.namespace}/${callee.service}/${network}`

  const listen = async (
    callee: Callee,
    network: LinkNetwork,
    { accepts, bind }: ContainerHost
  ): Promise<OpenedLink> => {
    const on = (port: number) => open({ route: () => routeOf(callee), host: bind(), port, accepts })
    const port = portOf(callee, network)
    const opened = port === undefined ? await on(0) : await on(port).catch(() => on(0))
    if (opened.port !== port) onPort(callee, network, opened.port)
    return opened
  }

  const linkOf = (callee: Callee, network: LinkNetwork, host: ContainerHost): Promise<OpenedLink> => {
    const key = keyOf(callee, network)
    const known = links.get(key)
    if (known !== undefined) return known
    const link = listen(callee, network, host)
    links.set(key, link)
    link.catch(() => links.delete(key))
    return link
  }

  /** Address and port at which instances of that kind reach the callee. */
  const addressOf = async (callee: Callee, host: ContainerHost): Promise<string> => {
    const network = host.bind() === loopbackHost.bind() ? "loopback" : "containers"
    const { port } = await linkOf(callee, network, network === "loopback" ? loopbackHost : host)
    return `${host.address}:${port}`
  }

  const shut = async (key: string) => {
    const link = links.get(key)
    links.delete(key)
    await link?.then((found) => found.close()).catch(() => undefined)
  }

  return {
    rewrite: (caller, kind, value) =>
      Effect.gen(function* () {
        const addresses = new Map<string, string>()
        for (const [, , service = "", namespace] of value.matchAll(clusterLocal)) {
          if (namespace === undefined || addresses.has(`${namespace}/${service}`)) continue
          // Always in the caller's own organization: the name of another organization's namespace finds nothing.
          const callee = { organizationId: caller.organizationId, namespace, service }
          if (namespace !== caller.namespace && !mayCall(caller, callee)) continue
          const host = (kind === "image" ? yield* containerHost(callee) : undefined) ?? loopbackHost
          const address = yield* Effect.tryPromise({
            try: () => addressOf(callee, host),
            catch: (error) =>
              new InstanceFailed({
                reason: "CannotStart",
                message: `no listener for the link to "${service}": ${String(error)}`,
                retryable: true
              })
          })
          addresses.set(`${namespace}/${service}`, address)
        }
        return value.replace(clusterLocal, (whole, before: string, service: string, namespace: string) => {
          const address = addresses.get(`${namespace}/${service}`)
          return address === undefined ? whole : before + address
        })
      }),
    close: async (callee) => {
      await Promise.all([shut(keyOf(callee, "loopback")), shut(keyOf(callee, "containers"))])
    },
    closeAll: async () => {
      await Promise.all([...links.keys()].map(shut))
    }
  }
}
