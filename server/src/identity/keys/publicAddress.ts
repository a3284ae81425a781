import { BlockList, isIP } from "node:net"

const listOf = (ranges: ReadonlyArray<readonly [string, number, "ipv4" | "ipv6"]>) => {
  const list = new BlockList()
  for (const [address, bits, family] of ranges) list.addSubnet(address, bits, family)
  return list
}

/** Not of the public internet (IANA IPv4 Special-Purpose Address Registry, and multicast). */
const notPublic4 = listOf([
  ["0.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["127.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.0.0.0", 24, "ipv4"],
  ["192.0.2.0", 24, "ipv4"],
  ["192.88.99.0", 24, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["198.18.0.0", 15, "ipv4"],
  ["198.51.100.0", 24, "ipv4"],
  ["203.0.113.0", 24, "ipv4"],
  ["224.0.0.0", 3, "ipv4"]
])

/** Global unicast (IANA IPv6 Address Space), but for what documents, or carries an IPv4 address within (Teredo, 6to4). */
const unicast6 = listOf([["2000::", 3, "ipv6"]])
const notPublic6 = listOf([
  ["2001::", 23, "ipv6"],
  ["2001:db8::", 32, "ipv6"],
  ["2002::", 16, "ipv6"],
  ["3fff::", 20, "ipv6"]
])

/** Link-local addresses, where clouds tell a machine its own credentials, and those of the same use that are not: nothing trusted is there. */
const metadata = listOf([
  ["169.254.0.0", 16, "ipv4"],
  ["fe80::", 10, "ipv6"],
  ["fd00:ec2::254", 128, "ipv6"],
  ["100.100.100.200", 32, "ipv4"]
])

const family = (address: string) => (isIP(address) === 4 ? "ipv4" : "ipv6")

/** An IPv4 address written as an IPv6 one is the former (RFC 4291, 2.5.5.2). */
const plain = (address: string) => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address

/** May the server connect to this address because somebody named it? `allowPrivate`: also where it is of a private network or loopback. */
export const mayConnect = (written: string, allowPrivate: boolean): boolean => {
  const address = plain(written)
  if (isIP(address) === 0 || metadata.check(address, family(address))) return false
  if (allowPrivate) return true
  return isIP(address) === 4
    ? !notPublic4.check(address, "ipv4")
    : unicast6.check(address, "ipv6") && !notPublic6.check(address, "ipv6")
}
