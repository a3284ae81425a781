import type { ProxyAgent } from "undici"
import { isDispatcher } from "./FetchDispatcher.ts"
import { ProxyFailed } from "./ProxyFailed.ts"
import { type Proxy, type ProxyEnvironment, proxyFor } from "./proxyFor.ts"

const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? causeOf(error.cause) : error

const isAbort = (error: unknown) => error instanceof Error && /^(AbortError|TimeoutError)$/.test(error.name)

/** A `ProxyFailed` if undici's error is about the proxy and not the host behind it; else the error itself. */
const failureOf = (error: unknown, { name, url: proxy }: Proxy, host: string): unknown => {
  const cause = causeOf(error)
  if (isAbort(error) || !(cause instanceof Error)) return error
  const status = /Proxy response \((\d+)\)|Authentication Required \((407)\)/.exec(cause.message)
  const code = status?.[1] ?? status?.[2] ?? ("code" in cause ? String(cause.code) : undefined)
  // Only errors of TLS and of the host's response don't come from the proxy.
  const isOfHost = code === undefined || !(status !== null || /^(E[A-Z]+|UND_ERR_(CONNECT_TIMEOUT|SOCKET))$/.test(code))
  return isOfHost || code === "EPROTO" ? error : new ProxyFailed({ name, proxy, host, code })
}

/**
 * `fetch` that follows `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` of an environment (`proxyFor`), on every Node. Node's own `fetch` does so
 * since Node 24 if `NODE_USE_ENV_PROXY=1` is set. Rejects with `ProxyFailed` if the proxy fails.
 */
export const proxiedFetch = (environment: ProxyEnvironment = process.env): typeof globalThis.fetch => {
  const agents = new Map<string, Promise<ProxyAgent>>()
  const agentOf = ({ authorization, url }: Proxy) => {
    const key = `${url} ${authorization}`
    const known = agents.get(key)
    if (known !== undefined) return known
    const made = import("./proxyAgent.ts").then(
      ({ ProxyAgent }) =>
        new ProxyAgent({
          uri: url,
          ...(authorization === undefined ? {} : { token: authorization }),
          proxyTunnel: false
        })
    )
    agents.set(key, made)
    return made
  }
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const proxy = proxyFor(url, environment)
    if (proxy === undefined) return globalThis.fetch(input, init)
    const agent: object = await agentOf(proxy)
    if (!isDispatcher(agent)) throw new TypeError("The proxy's agent isn't a dispatcher.")
    return globalThis.fetch(input, { ...init, dispatcher: agent }).catch((error: unknown) => {
      throw failureOf(error, proxy, url.hostname)
    })
  }
}
