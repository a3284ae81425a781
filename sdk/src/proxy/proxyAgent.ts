/** Loaded when a request first goes through a proxy. In its own file, because only then do bundlers find the exports of a CommonJS package. */
export { ProxyAgent } from "undici"
