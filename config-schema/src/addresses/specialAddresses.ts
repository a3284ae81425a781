import { type IpRange, isWithin, parseAddress, rangesOf } from "./ipRange.ts"

/**
 * The purpose of a range of special addresses.
 *
 * - `host`: this host and its links; never open to tenants.
 * - `metadata`: services where clouds hand a machine's credentials, settings and scripts to any caller.
 * - `private`: networks of the operator, or of neighboring machines.
 * - `reserved`: networks that tenants have no reason to reach.
 * - `embedded`: an IPv4 address inside an IPv6 one, which a translator or tunnel would unpack.
 * - `documentation`: for examples; not assigned to anybody.
 */
export type SpecialUse = "host" | "metadata" | "private" | "reserved" | "embedded" | "documentation"

export interface SpecialRange {
  readonly cidr: string
  readonly use: SpecialUse
  /** The description for messages. */
  readonly what: string
}

/**
 * The table of addresses outside the public internet: IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890) and multicast,
 * without the globally reachable entries, plus the metadata services of clouds at any address.
 */
export const specialRanges: ReadonlyArray<SpecialRange> = [
  { cidr: "0.0.0.0/8", use: "host", what: "this network (RFC 791)" },
  { cidr: "127.0.0.0/8", use: "host", what: "loopback (RFC 1122)" },
  { cidr: "169.254.0.0/16", use: "host", what: "link-local (RFC 3927), where clouds serve a machine's credentials" },

  { cidr: "100.100.100.200/32", use: "metadata", what: "the metadata service of Alibaba Cloud" },
  { cidr: "168.63.129.16/32", use: "metadata", what: "the host of an Azure machine (WireServer)" },
  { cidr: "192.0.0.192/32", use: "metadata", what: "the metadata service of Oracle Cloud" },

  { cidr: "10.0.0.0/8", use: "private", what: "private (RFC 1918)" },
  { cidr: "172.16.0.0/12", use: "private", what: "private (RFC 1918)" },
  { cidr: "192.168.0.0/16", use: "private", what: "private (RFC 1918)" },
  { cidr: "100.64.0.0/10", use: "private", what: "shared (RFC 6598)" },
  { cidr: "198.18.0.0/15", use: "private", what: "for benchmarks (RFC 2544)" },

  { cidr: "192.0.0.0/24", use: "reserved", what: "for protocols (RFC 6890)" },
  { cidr: "192.88.99.0/24", use: "reserved", what: "the withdrawn 6to4 relay (RFC 7526)" },
  { cidr: "224.0.0.0/4", use: "reserved", what: "multicast (RFC 5771)" },
  { cidr: "240.0.0.0/4", use: "reserved", what: "reserved (RFC 1112)" },

  { cidr: "192.0.2.0/24", use: "documentation", what: "for documentation (RFC 5737)" },
  { cidr: "198.51.100.0/24", use: "documentation", what: "for documentation (RFC 5737)" },
  { cidr: "203.0.113.0/24", use: "documentation", what: "for documentation (RFC 5737)" },

  { cidr: "::/128", use: "host", what: "unspecified (RFC 4291)" },
  { cidr: "::1/128", use: "host", what: "loopback (RFC 4291)" },
  { cidr: "fe80::/10", use: "host", what: "link-local (RFC 4291)" },

  // AWS; Google Cloud; Oracle Cloud; Scaleway.
  { cidr: "fd00:ec2::/32", use: "metadata", what: "the metadata service of AWS" },
  { cidr: "fd20:ce::/64", use: "metadata", what: "the metadata service of Google Cloud" },
  { cidr: "fd00:c1::/32", use: "metadata", what: "the metadata service of Oracle Cloud" },
  { cidr: "fd00:42::/32", use: "metadata", what: "the metadata service of Scaleway" },

  { cidr: "fc00::/7", use: "private", what: "unique local (RFC 4193)" },

  { cidr: "::/96", use: "embedded", what: "IPv4-compatible (RFC 4291)" },
  { cidr: "::ffff:0:0:0/96", use: "embedded", what: "IPv4-translated (RFC 2765)" },
  { cidr: "64:ff9b::/96", use: "embedded", what: "NAT64 (RFC 6052)" },
  { cidr: "64:ff9b:1::/48", use: "embedded", what: "local NAT64 (RFC 8215)" },
  { cidr: "2001::/32", use: "embedded", what: "Teredo (RFC 4380)" },
  { cidr: "2002::/16", use: "embedded", what: "6to4 (RFC 3056)" },

  { cidr: "100::/64", use: "reserved", what: "discarded (RFC 6666)" },
  { cidr: "100:0:0:1::/64", use: "reserved", what: "a dummy prefix (RFC 9780)" },
  { cidr: "2001::/23", use: "reserved", what: "for protocols (RFC 2928)" },
  { cidr: "5f00::/16", use: "reserved", what: "segment identifiers (RFC 9602)" },
  { cidr: "fec0::/10", use: "reserved", what: "site-local, withdrawn (RFC 3879)" },
  { cidr: "ff00::/8", use: "reserved", what: "multicast (RFC 4291)" },

  { cidr: "2001:db8::/32", use: "documentation", what: "for documentation (RFC 3849)" },
  { cidr: "3fff::/20", use: "documentation", what: "for documentation (RFC 9637)" }
]

const table = specialRanges.map((special) => ({ ...special, ranges: rangesOf([special.cidr]) }))

/** The ranges of the table with one of these uses. */
export const rangesFor = (version: 4 | 6, ...uses: ReadonlyArray<SpecialUse>): ReadonlyArray<IpRange> =>
  table
    .filter((each) => uses.includes(each.use))
    .flatMap((each) => each.ranges.filter((range) => range.version === version))

/** The first range of the table that contains all of this range. */
export const specialOf = (range: IpRange): SpecialRange | undefined =>
  table.find((each) => each.ranges.some((special) => isWithin(range, special)))

const mapped = rangesOf(["::ffff:0:0/96"])
/** Global unicast: IANA has assigned nothing else (IPv6 Address Space). */
const globalUnicast = rangesOf(["2000::/3"])
/** Loopback belongs to the host, and is a private network for everybody on that host. */
const loopback = rangesOf(["127.0.0.0/8", "::1/128"])

/** Normalizes an address: an IPv4-mapped IPv6 address becomes the IPv4 address (RFC 4291, 2.5.5.2). */
const addressOf = (written: string): IpRange | undefined => {
  const address = parseAddress(written)
  return address !== undefined && mapped.some((value) => isWithin(address, value))
    ? { version: 4, base: address.base & 0xffff_ffffn, length: 32 }
    : address
}

const isOneOf = (address: IpRange, ranges: ReadonlyArray<IpRange>) => ranges.some((range) => isWithin(address, range))

/** Whether it is a public internet address. Text that isn't an address isn't public. */
export const isPublicAddress = (written: string): boolean => {
  const address = addressOf(written)
  if (address === undefined || specialOf(address) !== undefined) return false
  return address.version === 4 || isOneOf(address, globalUnicast)
}

/**
 * Where the server may connect for users who can name any host: `public` means only the internet; `private` includes the operator's networks
 * and this machine.
 */
export type Reach = "public" | "private"

/** Whether the server may connect to this address. Both kinds exclude link-local and metadata addresses, and text that isn't an address. */
export const isReachableAddress = (written: string, reach: Reach): boolean => {
  if (isPublicAddress(written)) return true
  const address = addressOf(written)
  if (address === undefined || reach === "public" || specialOf(address)?.use === "metadata") return false
  return isOneOf(address, loopback) || isOneOf(address, rangesFor(address.version, "private"))
}
