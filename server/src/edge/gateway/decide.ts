import type { CheckRequest } from "./CheckRequest.ts"
import type { Service, TenantNetwork } from "./TenantNetwork.ts"

/** `unsure`: the watches may be about to tell what is missing; if they do not, it is refused. */
export type Decision = "allow" | "paused" | "refuse" | "unsure"

/** Kourier's listeners that have public hosts alone: HTTP, HTTPS and that of its probes (net-kourier, pkg/reconciler/ingress/config). */
const publicListeners: ReadonlySet<number> = new Set([8080, 8443, 8090])

/** Both sides agree: the caller links to the target, and the target's app exports it to the caller's. */
const isExported = (caller: Service, target: Service): boolean =>
  caller.organization !== "" &&
  caller.organization === target.organization &&
  caller.app !== "" &&
  caller.externals.has(target.id) &&
  target.exports.has(caller.app)

/**
 * May this request pass? The target is what Envoy's matched route says, never the Host; the caller is who has the connection's address.
 *
 * - A public host is open, but to pods of a service that may call neither it nor the internet.
 * - An internal host is open to a pod of a service of the same namespace that links to it; to a pod of another app of the same
 *   organization if that one links to it and its own app exports it to that app; and to nobody else.
 * - Hosts that are not the tenants' are open to all but the tenants' pods.
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
  // Kourier's, whether a host is there yet: queue-proxy and the activator answer it themselves (knative/networking, pkg/http/probe).
  if (isProbe && (holder === "nobody" || (holder !== "unsure" && !network.isTenant(holder.namespace)))) return "allow"
  if (holder === "unsure" || holder === "nobody") return "unsure"

  if (!network.isTenant(holder.namespace)) return network.isTenant(namespace) && !isPublic ? "refuse" : open
  if (!network.isTenant(namespace)) return "refuse"

  const caller = network.service(holder.namespace, holder.service)
  if (caller === undefined || target === undefined) return "unsure"
  if (holder.namespace === namespace && caller.links.has(name)) return open
  if (isExported(caller, target)) return open
  return isPublic && caller.mayCallInternet ? open : "refuse"
}
