import type { CheckRequest } from "./CheckRequest.ts"
import type { Service, TenantNetwork } from "./TenantNetwork.ts"

/** `unsure`: the watches may soon report what is missing; otherwise the request is refused. */
export type Decision = "allow" | "paused" | "refuse" | "unsure" | Misnamed

/** A tenant's pod has called a service that it links to by its bare name, which the gateway can't route: many namespaces have it. */
export interface Misnamed {
  readonly bare: string
  /** The name that works. */
  readonly host: string
  /** The variables of the caller with the service's URL. */
  readonly variables: ReadonlyArray<string>
}

/**
 * Kourier's listeners with public hosts only: HTTP, HTTPS and the one for its probes (net-kourier,
 * pkg/reconciler/ingress/config).
 */
const publicListeners: ReadonlySet<number> = new Set([8080, 8443, 8090])

/** Both sides agree: the caller links to the target, and the target's app exports it to the caller's. */
const isExported = (caller: Service, target: Service): boolean =>
  caller.organization !== "" &&
  caller.organization === target.organization &&
  caller.app !== "" &&
  caller.externals.has(target.id) &&
  target.exports.has(caller.app)

/** The first label of the Host if that is all it is. */
const bareNameIn = ({ host }: CheckRequest): string | undefined => /^([a-z0-9-]{1,63})(?::\d{1,5})?$/.exec(host)?.[1]

/** No host matched. Does the caller mean one of its links? Who has no such link learns nothing. */
const misnamed = (caller: Service | undefined, namespace: string, request: CheckRequest): Misnamed | undefined => {
  const bare = bareNameIn(request)
  if (bare === undefined || caller === undefined || request.route.size > 0 || !caller.links.has(bare)) return undefined
  const variables = caller.linkVariables.flatMap((each) =>
    each.startsWith(`${bare}=`) ? [each.slice(bare.length + 1)] : []
  )
  return { bare, host: `${bare}.${namespace}`, variables }
}

/**
 * Decides whether a request may pass. The target comes from Envoy's matched route, never from the Host, and the caller is the pod
 * with the connection's address.
 *
 * - A public host is open to everyone except pods of a service that may call neither it nor the internet.
 * - An internal host is open to pods of a service in the same namespace that links to it, and to pods of another app in the same
 *   organization if that app links to it and its own app exports it to that app. It is closed to everyone else.
 * - Hosts outside the tenants' services are open to everyone except the tenants' pods.
 */
export const decide = (network: TenantNetwork, request: CheckRequest): Decision => {
  const { listenerPort, route, sourceAddress } = request
  const namespace = route.get("serving.knative.dev/routeNamespace") ?? ""
  const name = route.get("serving.knative.dev/route") ?? ""
  const target = network.isTenant(namespace) ? network.service(namespace, name) : undefined
  const isPublic = route.get("visibility") === "ExternalIP" && target?.forged !== true
  const isProbe = request.headers.get("k-network-probe") === "probe"
  const open: Decision = target?.paused === true && !isProbe ? "paused" : "allow"

  if (publicListeners.has(listenerPort)) return open

  const holder = network.holderOf(sourceAddress)
  // Kourier's probes whether a host is ready: queue-proxy and the activator answer them (knative/networking, pkg/http/probe).
  if (isProbe && (holder === "nobody" || (holder !== "unsure" && !network.isTenant(holder.namespace)))) return "allow"
  if (holder === "unsure" || holder === "nobody") return "unsure"

  if (!network.isTenant(holder.namespace)) return network.isTenant(namespace) && !isPublic ? "refuse" : open
  if (!network.isTenant(namespace)) {
    const caller = network.service(holder.namespace, holder.service)
    return misnamed(caller, holder.namespace, request) ?? "refuse"
  }

  const caller = network.service(holder.namespace, holder.service)
  if (caller === undefined || target === undefined) return "unsure"
  if (holder.namespace === namespace && caller.links.has(name)) return open
  if (isExported(caller, target)) return open
  return isPublic && caller.mayCallInternet ? open : "refuse"
}
