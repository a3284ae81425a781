import { type AgentOptions, type ClientRequestArgs, Agent as HttpAgent } from "node:http"
import { Agent as HttpsAgent, type RequestOptions } from "node:https"
import { isIP, type LookupFunction, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { connect as connectTls } from "node:tls"
import { type ProxyEnvironment, proxyFor } from "@maxcloud/sdk/proxy"
import { buildConnector } from "undici"
import { openTunnel } from "./openTunnel.ts"

export interface ProxiedOptions {
  /** @default the process's */
  readonly environment?: ProxyEnvironment | undefined
  /**
   * Does the proxy get hosts by name, and check their addresses itself? If not, a host whose addresses the server has to
   * check is resolved and checked here, and the proxy gets the checked address.
   */
  readonly proxyChecksAddresses: boolean
}

/** A host that the server can't resolve, and so can't check, before a proxy connects to it. */
export class Unchecked extends Error {
  constructor(host: string, code: string) {
    super(
      `The server can't resolve ${host} itself (${code}), so it can't check the address that its proxy would connect to. If the proxy refuses private addresses, the server's operator can set MAXCLOUD_PROXY_CHECKS_ADDRESSES=true.`
    )
  }
}

const unresolved = /^(ENOTFOUND|EAI_|ETIMEOUT|ESERVFAIL|EREFUSED|ENODATA|ECONNREFUSED)/

/**
 * The target for the proxy: an address that `lookup` accepts, or the name. Without a `lookup`, nothing must be checked.
 */
const targetOf = (host: string, lookup: LookupFunction | undefined, byName: boolean): Promise<string> =>
  new Promise((resolve, reject) => {
    if (lookup === undefined || byName || isIP(host) !== 0) return resolve(host)
    lookup(host, { all: false }, (error, found) => {
      if (error !== null)
        return reject(unresolved.test(error.code ?? "") ? new Unchecked(host, error.code ?? "") : error)
      const address = typeof found === "string" ? found : found[0]?.address
      if (address === undefined) reject(new Unchecked(host, "no address"))
      else resolve(address)
    })
  })

const bare = (host: string) => host.replace(/^\[|\]$/g, "")

/** A connection through the environment's proxy; undefined if the host needs none. */
const tunnelTo = (
  { environment, proxyChecksAddresses }: ProxiedOptions,
  protocol: "http:" | "https:",
  place: { readonly host: string; readonly port: number; readonly lookup: LookupFunction | undefined }
): Promise<Duplex> | undefined => {
  const host = bare(place.host)
  const url = new URL(`${protocol}//${isIP(host) === 6 ? `[${host}]` : host}:${place.port}`)
  const proxy = proxyFor(url, environment)
  return proxy === undefined
    ? undefined
    : targetOf(host, place.lookup, proxyChecksAddresses).then((target) => openTunnel(proxy, target, place.port))
}

const placeOf = ({ host, lookup, port }: ClientRequestArgs, defaultPort: number) => ({
  host: host ?? "localhost",
  port: Number(port ?? defaultPort),
  lookup
})

type Created = (error: Error | null, socket: Duplex) => void
const toError = (cause: unknown) => (cause instanceof Error ? cause : new Error(String(cause)))

const give = (tunnel: Promise<Duplex>, callback: Created | undefined, wrap: (socket: Duplex) => Duplex) => {
  tunnel.then(
    (socket) => callback?.(null, wrap(socket)),
    // Node's own callback requires a socket beside the error, but ignores it.
    (cause: unknown) => callback?.(toError(cause), new Socket())
  )
  return undefined
}

class ProxiedHttpAgent extends HttpAgent {
  readonly #proxied: ProxiedOptions
  constructor(options: AgentOptions, proxied: ProxiedOptions) {
    super(options)
    this.#proxied = proxied
  }
  override createConnection(options: ClientRequestArgs, callback?: Created) {
    const tunnel = tunnelTo(this.#proxied, "http:", placeOf(options, 80))
    return tunnel === undefined ? super.createConnection(options, callback) : give(tunnel, callback, (one) => one)
  }
}

class ProxiedHttpsAgent extends HttpsAgent {
  readonly #proxied: ProxiedOptions
  constructor(options: AgentOptions, proxied: ProxiedOptions) {
    super(options)
    this.#proxied = proxied
  }
  override createConnection(options: RequestOptions, callback?: Created) {
    const place = placeOf(options, 443)
    const tunnel = tunnelTo(this.#proxied, "https:", place)
    if (tunnel === undefined) return super.createConnection(options, callback)
    const servername = options.servername ?? (isIP(bare(place.host)) === 0 ? place.host : undefined)
    const { ca, cert, key, rejectUnauthorized } = options
    return give(tunnel, callback, (socket) =>
      connectTls({
        socket,
        host: bare(place.host),
        ...(servername === undefined ? {} : { servername }),
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized })
      })
    )
  }
}

/** Agents that connect through the environment's proxy if it names one, and check with each request's `lookup`. */
export const proxiedAgents = (options: AgentOptions, proxied: ProxiedOptions) => ({
  http: new ProxiedHttpAgent(options, proxied),
  https: new ProxiedHttpsAgent(options, proxied)
})

/** The same for undici. */
export const proxiedConnector = (
  options: { readonly lookup: LookupFunction; readonly timeout: number },
  proxied: ProxiedOptions
): buildConnector.connector => {
  const direct = buildConnector(options)
  const overTunnel = buildConnector({ timeout: options.timeout })
  return (asked, callback) => {
    const protocol = asked.protocol === "https:" ? "https:" : "http:"
    const port = Number(asked.port === "" ? (protocol === "https:" ? 443 : 80) : asked.port)
    const open = async () => tunnelTo(proxied, protocol, { host: asked.hostname, port, lookup: options.lookup })
    open().then(
      (socket) => {
        if (socket === undefined) direct(asked, callback)
        else if (!(socket instanceof Socket)) callback(new Error("The tunnel isn't a socket."), null)
        else if (protocol === "http:") callback(null, socket)
        else overTunnel({ ...asked, httpSocket: socket }, callback)
      },
      (cause: unknown) => callback(toError(cause), null)
    )
  }
}
