import type { Egress } from "@maxcloud/config-schema"

/** An IPv4 range: its first address as a number, and the length of its prefix. */
interface Range {
  readonly base: number
  readonly length: number
}

const parse = (cidr: string): Range => {
  const [a = 0, b = 0, c = 0, d = 0, length = 32] = cidr.split(/[./]/).map(Number)
  const size = 2 ** (32 - length)
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  return { base: address - (address % size), length }
}

const write = ({ base, length }: Range): string =>
  `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".")}/${length}`

const within = (inner: Range, outer: Range) =>
  inner.length >= outer.length && inner.base - (inner.base % 2 ** (32 - outer.length)) === outer.base

/** Not the public internet (IANA IPv4 Special-Purpose Address Registry; 224/4 is multicast). */
const special = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/4",
  "240.0.0.0/4"
]

/** Never opened, whoever asks: the node itself, and link-local, where clouds serve a machine's credentials. */
const closed = ["127.0.0.0/8", "169.254.0.0/16"].map(parse)

/** Without those that another holds, each once, in the order given. */
const outermost = (ranges: ReadonlyArray<Range>): ReadonlyArray<Range> =>
  ranges.filter(
    (range, index) =>
      !ranges.some((other, at) => at !== index && within(range, other) && (!within(other, range) || at < index))
  )

export interface IpBlock {
  readonly cidr: string
  readonly except?: Array<string>
}

/** Is this range one that is never opened? */
export const isClosedRange = (cidr: string): boolean => closed.some((_) => within(parse(cidr), _))

/**
 * The ranges that an `egress` opens, canonical, sorted, each once. IPv6 is not opened, nor are `closedRanges`: those of the cluster's
 * nodes, pods and Services.
 */
export const ipBlocksOf = (egress: Egress, closedRanges: ReadonlyArray<string> = []): ReadonlyArray<IpBlock> => {
  if (egress === "none") return []
  const shut = outermost([...closed, ...closedRanges.map(parse)])
  if (egress === "internet") {
    return [{ cidr: "0.0.0.0/0", except: outermost([...special.map(parse), ...shut]).map(write) }]
  }
  const ranges = new Map(
    egress
      .map(parse)
      .filter((range) => !shut.some((_) => within(range, _)))
      .map((_) => [write(_), _])
  )
  return [...ranges]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([cidr, range]) => {
      const except = shut.filter((_) => within(_, range)).map(write)
      return { cidr, ...(except.length === 0 ? {} : { except }) }
    })
}
