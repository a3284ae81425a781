import { lookup } from "node:dns"
import type { LookupFunction } from "node:net"
import type { Client } from "@maxcloud/sdk"
import { NotFound } from "@maxcloud/sdk/api"
import { checkOptions, type OptionKinds } from "@maxcloud/sdk/internal"
import { type FetchDispatcher, isDispatcher } from "@maxcloud/sdk/proxy"
import { Agent } from "undici"

/** The options for a request to an embedded server's service: those of `fetch`, plus the service's stage and app. */
export interface EmbeddedRequest extends RequestInit {
  /** @default "production" */
  readonly stage?: string | undefined
  /** The service's app. Needed only if several apps have a service of this name in the stage. */
  readonly app?: string | undefined
}

const requestOptions: OptionKinds<EmbeddedRequest & { readonly priority?: string }> = {
  stage: "text",
  app: "text",
  // The options of `fetch`.
  body: "any",
  cache: "text",
  credentials: "text",
  dispatcher: "any",
  duplex: "text",
  headers: "any",
  integrity: "text",
  keepalive: "flag",
  method: "text",
  mode: "text",
  priority: "text",
  redirect: "text",
  referrer: "text",
  referrerPolicy: "text",
  signal: "any",
  window: "any"
}

/** Few resolvers map `*.localhost` to this machine (RFC 6761, 6.3). Node's doesn't. */
const loopbackLookup =
  (domain: string): LookupFunction =>
  (hostname, options, callback) => {
    if (hostname !== domain && !hostname.endsWith(`.${domain}`)) return lookup(hostname, options, callback)
    if (options.all === true) callback(null, [{ address: "127.0.0.1", family: 4 }])
    else callback(null, "127.0.0.1", 4)
  }

/** Reaches the hosts of an embedded server's services on this machine, and every other host as usual. */
export const loopbackDispatcher = (
  domain: string
): { readonly dispatcher: FetchDispatcher; readonly destroy: () => Promise<void> } => {
  const agent: object & Pick<Agent, "destroy"> = new Agent({ connect: { lookup: loopbackLookup(domain) } })
  if (!isDispatcher(agent)) throw new TypeError("The dispatcher isn't an undici dispatcher.")
  return { dispatcher: agent, destroy: () => agent.destroy() }
}

/** `fetch` by the name of a service. Also follows redirects to the server's other hosts. */
export const embeddedFetch =
  (client: Client, dispatcher: FetchDispatcher) =>
  async (service: string, path = "/", request: EmbeddedRequest = {}): Promise<Response> => {
    checkOptions<EmbeddedRequest>("fetch", request, requestOptions)
    const { app, stage, ...init } = request
    if (!path.startsWith("/") || path.startsWith("//")) {
      throw new TypeError(`"${path}" isn't a path of the service "${service}". Start it with "/", such as "/health".`)
    }
    const { url } = (await client.services.get(service, { app, stage })).status
    if (url === null) {
      throw new NotFound({
        resource: "service",
        resourceName: service,
        detail: `The service "${service}" is internal and has no URL. Fetch a public service that links to it, or set visibility: "public".`
      })
    }
    return fetch(new URL(path, url), { ...init, dispatcher })
  }
