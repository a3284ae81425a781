import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { InstanceFailed, type InstanceSpec } from "../instances/Instance.ts"
import type { Route } from "../proxy/Route.ts"

export interface OpenedLink {
  readonly port: number
  readonly close: () => Promise<void>
}

/** Listens for the callers of the route that there is when a request comes. With port 0 a free one is taken. Rejects where the port is taken. */
export type OpenLink = (options: {
  readonly route: () => Route | undefined
  readonly host: string
  readonly port: number
}) => Promise<OpenedLink>

/** Where links listen, and by which host name instances of a kind reach them. */
export interface LinkHosts {
  readonly listen: string
  readonly reachedBy: (kind: InstanceSpec["program"]["kind"]) => string
}

export interface Callee {
  readonly organizationId: OrganizationId
  readonly namespace: string
  readonly service: string
}

export interface LinksInput {
  readonly open: OpenLink
  readonly hosts: LinkHosts
  /** The route of a service, while there is one. */
  readonly routeOf: (callee: Callee) => Route | undefined
  /** The port that it had before, or undefined. */
  readonly portOf: (callee: Callee) => number | undefined
  readonly onPort: (callee: Callee, port: number) => void
}

/**
 * Loopback listeners by which instances reach other services of their namespace. They take the place of Knative's
 * cluster-local hosts, which nothing resolves here. One per callee, on the same port as long as the server runs, and after a
 * restart where the port is free.
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

export const makeLinks = ({ hosts, onPort, open, portOf, routeOf }: LinksInput): Links => {
  const links = new Map<string, Promise<OpenedLink>>()
  const keyOf = (callee: Callee) => `${callee.organizationId}/${callee.namespace}/${callee.service}`

  const listen = async (callee: Callee): Promise<OpenedLink> => {
    const on = (port: number) => open({ route: () => routeOf(callee), host: hosts.listen, port })
    const port = portOf(callee)
    const opened = port === undefined ? await on(0) : await on(port).catch(() => on(0))
    if (opened.port !== port) onPort(callee, opened.port)
    return opened
  }

  const linkOf = (callee: Callee): Promise<OpenedLink> => {
    const key = keyOf(callee)
    const known = links.get(key)
    if (known !== undefined) return known
    const link = listen(callee)
    links.set(key, link)
    link.catch(() => links.delete(key))
    return link
  }

  const shut = async (key: string) => {
    const link = links.get(key)
    links.delete(key)
    await link?.then((_) => _.close()).catch(() => undefined)
  }

  return {
    rewrite: (caller, kind, value) =>
      Effect.gen(function* () {
        const found = [...value.matchAll(clusterLocal)].filter((_) => _[2] === caller.namespace)
        if (found.length === 0) return value
        const ports = new Map<string, number>()
        for (const [, service = ""] of found) {
          const link = yield* Effect.tryPromise({
            try: () => linkOf({ ...caller, service }),
            catch: (error) =>
              new InstanceFailed({
                reason: "LinkFailed",
                message: `no listener for the link to "${service}": ${String(error)}`,
                retryable: true
              })
          })
          ports.set(service, link.port)
        }
        const host = hosts.reachedBy(kind)
        return value.replace(clusterLocal, (whole, service: string, namespace: string) =>
          namespace === caller.namespace ? `${host}:${ports.get(service) ?? 80}` : whole
        )
      }),
    close: (callee) => shut(keyOf(callee)),
    closeAll: async () => {
      await Promise.all([...links.keys()].map(shut))
    }
  }
}
