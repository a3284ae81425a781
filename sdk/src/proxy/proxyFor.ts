import { BlockList, isIP } from "node:net"
import { ProxyFailed } from "./ProxyFailed.ts"

export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/** The proxy for a request. */
export interface Proxy {
  /** The variable that names it. */
  readonly name: string
  /** `http:` or `https:`, with a port, without credentials: safe in logs. */
  readonly url: string
  /** The value of `Proxy-Authorization`. Secret. */
  readonly authorization: string | undefined
}

const variables: Readonly<Record<string, ReadonlyArray<string>>> = {
  "https:": ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"],
  "http:": ["http_proxy", "HTTP_PROXY"]
}

const defaultPorts: Readonly<Record<string, number>> = { "https:": 443, "http:": 80 }

/** The first of these variables that is set. An empty one means no proxy, whatever the next one says. */
const firstSet = (environment: ProxyEnvironment, names: ReadonlyArray<string>) => {
  const name = names.find((name) => environment[name] !== undefined)
  const value = name === undefined ? "" : (environment[name]?.trim() ?? "")
  return name === undefined || value === "" ? undefined : { name, value }
}

const isLoopback = (host: string) =>
  host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127(\.\d+){3}$/.test(host)

const hostOf = (url: URL) => url.hostname.replace(/^\[|\]$|\.$/g, "")

const inRange = (range: string, host: string): boolean => {
  const [address = "", bits = ""] = range.split("/")
  const [family, hostFamily] = [isIP(address), isIP(host)]
  if (family === 0 || hostFamily === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false
  const list = new BlockList()
  list.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6")
  return list.check(host, hostFamily === 4 ? "ipv4" : "ipv6")
}

/** The host and port of a NO_PROXY entry. IPv6 addresses are in brackets if a port follows. */
const partsOf = (entry: string) => {
  const [, bracketed, named = "", port] = /^(?:\[([^\]]+)\]|([^:]*|.*:.*:.*?))(?::(\d{1,5}))?$/.exec(entry) ?? []
  return { host: bracketed ?? named, port }
}

const excludes = (written: string, host: string, port: string): boolean => {
  if (written === "*") return true
  if (written.includes("/")) return inRange(written, host)
  const entry = isIP(written) === 6 ? { host: written, port: undefined } : partsOf(written)
  if (entry.host === "" || (entry.port !== undefined && entry.port !== port)) return false
  if (isIP(host) !== 0)
    return isIP(entry.host) !== 0 && inRange(`${entry.host}/${isIP(entry.host) === 4 ? 32 : 128}`, host)
  const name = entry.host.replace(/^\*(?=\.)/, "").replace(/\.$/, "")
  return name.startsWith(".") ? host.endsWith(name) : host === name || host.endsWith(`.${name}`)
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The proxy that a variable names. Throws `ProxyFailed` if it isn't a valid proxy URL. */
export const readProxy = (name: string, value: string): Proxy => {
  // The scheme is optional, as in curl, npm and Go.
  const written = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (url === undefined || url.hostname === "" || !/^https?:$/.test(url.protocol)) {
    throw new ProxyFailed({ name, proxy: undefined, host: undefined, code: "ERR_INVALID_URL" })
  }
  const { hostname, password, protocol, username } = url
  const authorization =
    username === "" && password === ""
      ? undefined
      : `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString("base64")}`
  return { name, url: `${protocol}//${hostname}:${url.port === "" ? defaultPorts[protocol] : url.port}`, authorization }
}

/**
 * The environment's proxy for a URL; undefined for a direct connection. Reads `https_proxy` (else `http_proxy`) and `no_proxy`, in lower or upper
 * case; lower case takes precedence. Requests to this machine never use a proxy.
 *
 * `no_proxy` contains entries separated by commas or spaces: `example.com` (including subdomains), `.example.com` or `*.example.com` (only
 * subdomains), an address, or a range of addresses (`10.0.0.0/8`), each with an optional port, and `*` for all. Throws `ProxyFailed` if the
 * proxy's URL is invalid.
 */
export const proxyFor = (url: URL, environment: ProxyEnvironment = process.env): Proxy | undefined => {
  const host = hostOf(url)
  const found = firstSet(environment, variables[url.protocol] ?? [])
  if (found === undefined || isLoopback(host)) return undefined
  const port = url.port === "" ? String(defaultPorts[url.protocol]) : url.port
  const excluded = (firstSet(environment, ["no_proxy", "NO_PROXY"])?.value ?? "").toLowerCase().split(/[\s,]+/)
  return excluded.some((value) => excludes(value, host, port)) ? undefined : readProxy(found.name, found.value)
}
