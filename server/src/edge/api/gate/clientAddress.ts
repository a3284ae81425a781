import { type BlockList, isIP } from "node:net"
import type { HttpServerRequest } from "@effect/platform"
import { Option } from "effect"

const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/, "")

/**
 * The origin of a request: the peer's address, or behind trusted proxies the last address in `X-Forwarded-For` that isn't one of
 * theirs. Earlier addresses may be forged.
 */
export const clientAddress = (
  { headers, remoteAddress }: Pick<HttpServerRequest.HttpServerRequest, "headers" | "remoteAddress">,
  trusted: BlockList
): string => {
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 4 ? "ipv4" : "ipv6")
  let address = plain(Option.getOrElse(remoteAddress, () => "unknown"))
  if (isIP(address) === 0) return address
  for (const hop of (headers["x-forwarded-for"] ?? "").split(",").reverse()) {
    if (!isTrusted(address)) return address
    const next = plain(hop.trim())
    if (isIP(next) === 0) return address
    address = next
  }
  return address
}
