/** Loaded when a request first goes through a proxy. By a file of its own: what bundles it finds the names of a CommonJS package only so. */
export { ProxyAgent } from "undici"
