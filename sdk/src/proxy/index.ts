/** Requests through a proxy that the environment names: `createClient({ fetch: proxiedFetch() })`. */
export { type FetchDispatcher, isDispatcher } from "./FetchDispatcher.ts"
export { ProxyFailed } from "./ProxyFailed.ts"
export { proxiedFetch } from "./proxiedFetch.ts"
export { type Proxy, type ProxyEnvironment, proxyFor, readProxy } from "./proxyFor.ts"
