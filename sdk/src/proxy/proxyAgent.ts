/** Loaded when a request first goes through a proxy. It has its own file because bundlers find the names of a CommonJS package only then. */
export { ProxyAgent } from "undici"
