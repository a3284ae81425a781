import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { InstanceFailed, type InstanceSpec } from "../instances/Instance.ts"
import type { Route } from "../proxy/Route.ts"

export interface OpenedLink {
  readonly port: number
  readonly close: () => Promise<void>
}

/**
 * Listens for the callers of the route that there is when a request comes. With port 0 a free one is taken. Rejects where the
 * port is taken. Connections from addresses that `accepts` refuses are hung up on.
 */
export type OpenLink = (options: {
  readonly route: () => Route | undefined
  readonly host: string
  readonly port: number
  readonly accepts?: (remoteAddress: string) => boolean
}) => Promise<OpenedLink>

/** How instances reach a listener of this machine. */
export interface LinkHost {
  /** The name or address that they use. */
  readonly address: string
  /** The address to listen on. */
  readonly bind: () => string
  readonly accepts: (remoteAddress: string) => boolean
}

/** Whence a link is called: by processes of this machine, or from a container's network. */
export type LinkNetwork = "loopback" | "containers"

export interface Callee {
  readonly organizationId: OrganizationId
  readonly namespace: string
  readonly service: string
}

export interface LinksInput {
  readonly open: OpenLink
  readonly containerHost: () => Promise<LinkHost | undefined>
  /** The route of a service, while there is one. */
  readonly routeOf: (callee: Callee) => Route | undefined
  /** The port that it had before, or undefined. */
  readonly portOf: (callee: Callee, network: LinkNetwork) => number | undefined
  readonly onPort: (callee: Callee, network: LinkNetwork, port: number) => void
}

/**
 * Loopback listeners by which instances reach other services of their namespace. They take the place of Knative's
 * cluster-local hosts, which nothing resolves here. One per callee (and another where containers do not reach loopback), on the
 * same port as long as the server runs, and after a restart where the port is free.
 */
export interface Links {
  /** Puts the listeners' addresses in the place of cluster-local hosts in the value of an environment variable. */
  readonly rewrite: (
    caller: Pick<Callee, "namespace" | "organizationId">,
    kind: InstanceSpec["program"]["kind"],
    value: string
  ) => Effect.Effect<string, InstanceFailed>
  readonly close: (callee: Callee) => Promise<void>
  readonly closeAll: () => Promise<void>
}

const clusterLocal = /\b([a-z][a-z0-9-]*)\.([a-z0-9-]+)\.svc\.cluster\.local(?![\w-])(?::\d+)?/g

const loopbackHost: LinkHost = { address: "127.0.0.1", bind: () => "127.0.0.1", accepts: () => true }

export const makeLinks = ({ containerHost, onPort, open, portOf, routeOf }: LinksInput): Links => {
  const links = new Map<string, Promise<OpenedLink>>()
  const keyOf = (callee: Callee, network: LinkNetwork) =>
    `${callee.organizationId}/${callee.namespace}/${callee.service}/${network}`

  const listen = async (callee: Callee, network: LinkNetwork, { accepts, bind }: LinkHost): Promise<OpenedLink> => {
    const on = (port: number) => open({ route: () => routeOf(callee), host: bind(), port, accepts })
    const port = portOf(callee, network)
    const opened = port === undefined ? await on(0) : await on(port).catch(() => on(0))
    if (opened.port !== port) onPort(callee, network, opened.port)
    return opened
  }

  const linkOf = (callee: Callee, network: LinkNetwork, host: LinkHost): Promise<OpenedLink> => {
    const key = keyOf(callee, network)
    const known = links.get(key)
    if (known !== undefined) return known
    const link = listen(callee, network, host)
    links.set(key, link)
    link.catch(() => links.delete(key))
    return link
  }

  /** Address and port by which instances of that kind reach the callee. */
  const addressOf = async (callee: Callee, kind: InstanceSpec["program"]["kind"]): Promise<string> => {
    const containers = kind === "image" ? await containerHost() : undefined
    const host = containers ?? loopbackHost
    const network = host.bind() === loopbackHost.bind() ? "loopback" : "containers"
    const { port } = await linkOf(callee, network, network === "loopback" ? loopbackHost : host)
    return `${host.address}:${port}`
  }

  const shut = async (key: string) => {
    const link = links.get(key)
    links.delete(key)
    await link?.then((_) => _.close()).catch(() => undefined)
  }

  return {
    rewrite: (caller, kind, value) =>
      Effect.gen(function* () {
        const addresses = new Map<string, string>()
        for (const [, service = "", namespace] of value.matchAll(clusterLocal)) {
          if (namespace !== caller.namespace || addresses.has(service)) continue
          const callee = { organizationId: caller.organizationId, namespace, service }
          const address = yield* Effect.tryPromise({
            try: () => addressOf(callee, kind),
            catch: (error) =>
              new InstanceFailed({
                reason: "LinkFailed",
                message: `no listener for the link to "${service}": ${String(error)}`,
                retryable: true
              })
          })
          addresses.set(service, address)
        }
        return value.replace(clusterLocal, (whole, service: string, namespace: string) =>
          namespace === caller.namespace ? (addresses.get(service) ?? whole) : whole
        )
      }),
    close: async (callee) => {
      await Promise.all([shut(keyOf(callee, "loopback")), shut(keyOf(callee, "containers"))])
    },
    closeAll: async () => {
      await Promise.all([...links.keys()].map(shut))
    }
  }
}
