import { BlockList, isIP } from "node:net"

/**
 * How far the server may go for a tenant, who names any host: `public` to the internet only; `private` to the operator's own networks
 * and this machine too.
 */
export type Reach = "public" | "private"

const listOf = (subnets: ReadonlyArray<readonly [address: string, prefix: number]>) => {
  const list = new BlockList()
  for (const [address, prefix] of subnets) list.addSubnet(address, prefix, isIP(address) === 6 ? "ipv6" : "ipv4")
  return list
}

/** Metadata services of clouds, which give credentials to whoever asks, in the midst of private networks. */
const metadata = listOf([
  ["100.100.100.200", 32],
  ["fd00:ec2::", 32]
])

const own = listOf([
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["198.18.0.0", 15],
  ["::1", 128],
  ["fc00::", 7]
])

/** IANA's registries of special-purpose addresses (RFC 6890). */
const never = listOf([
  ["0.0.0.0", 8],
  // Link-local: most metadata services are there.
  ["169.254.0.0", 16],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  // An address of version 4 inside one of version 6, which would go round these lists: compatible, NAT64, Teredo, 6to4.
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2001::", 32],
  ["2002::", 16],
  ["100::", 64],
  ["2001:db8::", 32],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8]
])

/** May the server connect to this address? One of version 4 that is mapped into version 6 is judged as what it is. */
export const isAllowedAddress = (address: string, reach: Reach): boolean => {
  const version = address.includes("%") ? 0 : isIP(address)
  if (version === 0) return false
  const family = version === 6 ? "ipv6" : "ipv4"
  if (metadata.check(address, family)) return false
  return own.check(address, family) ? reach === "private" : !never.check(address, family)
}
