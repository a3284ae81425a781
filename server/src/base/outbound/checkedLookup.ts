import { type LookupAddress, lookup } from "node:dns"
import { isIP, type LookupFunction } from "node:net"
import { isReachableAddress, type Reach } from "@maxcloud/config-schema"

/** A host at an address that the server doesn't call. */
export class NotPublic extends Error {}

/**
 * Checks the very addresses that the connection then uses, so a name that resolves differently the next time gains
 * nothing.
 */
export const checkedLookup =
  (reach: Reach): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error: NodeJS.ErrnoException | null, found: Array<LookupAddress>) => {
      const [first] = found ?? []
      if (error !== null || first === undefined) return callback(error ?? new Error(`${hostname} has no address`), [])
      if (!found.every(({ address }) => isReachableAddress(address, reach)))
        return callback(new NotPublic(hostname), [])
      return options.all === true ? callback(null, found) : callback(null, first.address, first.family)
    })
  }

/** Is the host of a URL written as an address that the server doesn't call? Such a host is never looked up. */
export const isRefusedAddress = (url: URL, reach: Reach): boolean => {
  const host = url.hostname.replace(/^\[|\]$/g, "")
  if (reach === "public" && isLocalName(host)) return true
  return isIP(host) !== 0 && !isReachableAddress(host, reach)
}

/** Names that mean this machine, also below `localhost` (RFC 6761, 6.3) and with the root's dot. */
const isLocalName = (host: string): boolean => /^(?:.+\.)?localhost\.?$/.test(host)

export const isLoopbackHost = (host: string): boolean =>
  host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host)
