/** A range of IP addresses: its first address as a number, and the length of its prefix in bits. */
export interface IpRange {
  readonly version: 4 | 6
  readonly base: bigint
  readonly length: number
}

const bitsOf = (version: 4 | 6) => (version === 4 ? 32 : 128)

const octets = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/

const parse4 = (written: string): bigint | undefined => {
  const parts = octets.exec(written)?.slice(1).map(Number)
  return parts === undefined || parts.some((part) => part > 255)
    ? undefined
    : parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n)
}

/** RFC 4291, 2.2: groups of hexadecimal digits, one `::`, and optionally the last 32 bits as an IPv4 address. No zone, which names an interface. */
const parse6 = (written: string): bigint | undefined => {
  if (written.length > 45) return undefined
  const tail = written.slice(written.lastIndexOf(":") + 1)
  const embedded = tail.includes(".") ? parse4(tail) : undefined
  if (tail.includes(".") && embedded === undefined) return undefined
  const text =
    embedded === undefined
      ? written
      : `${written.slice(0, -tail.length)}${(embedded >> 16n).toString(16)}:${(embedded & 0xffffn).toString(16)}`
  const halves = text.split("::")
  if (halves.length > 2) return undefined
  const [head = [], rest = []] = halves.map((halve) => (halve === "" ? [] : halve.split(":")))
  const missing = 8 - head.length - rest.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => "0"), ...rest]
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
}

/**
 * Parses an address as a range of one; `undefined` if it isn't in the usual notation (without leading zeros, hexadecimal octets, short forms
 * and zones).
 */
export const parseAddress = (written: string): IpRange | undefined => {
  const version = written.includes(":") ? 6 : 4
  const base = version === 6 ? parse6(written) : parse4(written)
  return base === undefined ? undefined : { version, base, length: bitsOf(version) }
}

const startOf = (version: 4 | 6, address: bigint, length: number) => {
  const free = BigInt(bitsOf(version) - length)
  return (address >> free) << free
}

/** Parses a range; `undefined` if it isn't one. `10.1.2.3/8` becomes `10.0.0.0/8`. Leading zeros are decimal. */
export const parseRange = (cidr: string): IpRange | undefined => {
  const [written = "", prefix = "", ...more] = cidr.split("/")
  const plain = written.includes(":") ? written : written.replace(/\b0+(?=\d)/g, "")
  const address = parseAddress(plain)
  if (address === undefined || more.length > 0 || !/^\d{1,3}$/.test(prefix)) return undefined
  const length = Number(prefix)
  if (length > bitsOf(address.version)) return undefined
  return { version: address.version, base: startOf(address.version, address.base, length), length }
}

/** Parses a range that is known to be valid, from a table or checked by a Schema. Throws otherwise. */
export const rangesOf = (cidrs: ReadonlyArray<string>): ReadonlyArray<IpRange> =>
  cidrs.map((cidr) => {
    const range = parseRange(cidr)
    if (range === undefined) throw new Error(`"${cidr}" isn't an IP range`)
    return range
  })

const write4 = (base: bigint) => [24n, 16n, 8n, 0n].map((shift) => (base >> shift) & 255n).join(".")

const write6 = (base: bigint) => {
  const groups = Array.from({ length: 8 }, (_, index) => ((base >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
  const zeros = [...groups.join(":").matchAll(/\b0(?::0)+\b/g)]
    .map((match) => match[0])
    .sort((a, b) => b.length - a.length)[0]
  if (zeros === undefined) return groups.join(":")
  const text = groups.join(":")
  const at = text.search(new RegExp(`(^|:)${zeros}(:|$)`))
  const from = text[at] === ":" ? at + 1 : at
  return `${text.slice(0, from).replace(/:$/, "")}::${text.slice(from + zeros.length).replace(/^:/, "")}`
}

export const writeRange = ({ base, length, version }: IpRange): string =>
  `${version === 4 ? write4(base) : write6(base)}/${length}`

export const isWithin = (inner: IpRange, outer: IpRange): boolean =>
  inner.version === outer.version &&
  inner.length >= outer.length &&
  startOf(inner.version, inner.base, outer.length) === outer.base

/** Whether this address is in this range. False if one of them is invalid. */
export const isAddressIn = (address: string, cidr: string): boolean => {
  const [one, range] = [parseAddress(address), parseRange(cidr)]
  return one !== undefined && range !== undefined && isWithin(one, range)
}

/** Two ranges are either disjoint, or one contains the other. */
export const overlap = (a: IpRange, b: IpRange): boolean => isWithin(a, b) || isWithin(b, a)

/** Removes duplicates and ranges inside others, and keeps the order. */
export const outermost = (ranges: ReadonlyArray<IpRange>): ReadonlyArray<IpRange> =>
  ranges.filter(
    (range, index) =>
      !ranges.some((other, at) => at !== index && isWithin(range, other) && (!isWithin(other, range) || at < index))
  )

/** The parts to cut out of `range`, so that it doesn't overlap `closed`; `undefined` if nothing would remain. */
export const cutFrom = (range: IpRange, closed: ReadonlyArray<IpRange>): ReadonlyArray<IpRange> | undefined =>
  closed.some((value) => isWithin(range, value))
    ? undefined
    : outermost(closed.filter((value) => isWithin(value, range)))
