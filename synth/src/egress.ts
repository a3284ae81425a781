import {
  cutFrom,
  type Egress,
  type IpRange,
  isWithin,
  outermost,
  overlap,
  rangesFor,
  rangesOf,
  specialOf,
  writeRange
} from "@maxcloud/config-schema"
import type { TenantContext } from "./tenant.ts"

/** The platform's ranges: the cluster's own, and the special ones that a service can declare. */
export type EgressRules = Pick<TenantContext, "closedRanges" | "privateRanges">

export interface IpBlock {
  readonly cidr: string
  readonly except?: Array<string>
}

/** Never opened, whoever lists it: the node itself, link-local, and metadata services, which give away a machine's credentials. */
const never = rangesFor(4, "host", "metadata")
/** Opened if the operator lists it. */
const listable = rangesFor(4, "private", "reserved")

const inOrder = (a: IpRange, b: IpRange) => (a.base === b.base ? a.length - b.length : a.base < b.base ? -1 : 1)

/** IPv6 isn't opened at all, so its ranges need no exception. */
const ofVersion4 = (ranges: ReadonlyArray<IpRange>) => ranges.filter((range) => range.version === 4)

const written = (ranges: ReadonlyArray<IpRange>) => [...ranges].sort(inOrder).map(writeRange)

/** The parts to cut out of a declared range; `undefined` if nothing of it is opened. */
const exceptionsOf = (range: IpRange, { closedRanges = [], privateRanges = [] }: EgressRules) => {
  const shut = [...never, ...ofVersion4(rangesOf(closedRanges))]
  const isListed = rangesOf(privateRanges).some((value) => isWithin(range, value))
  const isSpecial = listable.some((value) => isWithin(range, value))
  return cutFrom(range, isSpecial && isListed ? shut : [...shut, ...listable])
}

/**
 * The ranges that an `egress` opens, in canonical form, sorted, without duplicates. IPv6 isn't opened. `internet` means all except the special
 * addresses. A declared range is opened without the cluster's own ranges. Inside a special range, it is opened only if the operator lists it; if
 * it contains special ranges, it is opened without them.
 */
export const ipBlocksOf = (egress: Egress, rules: EgressRules = {}): ReadonlyArray<IpBlock> => {
  if (egress === "none") return []
  const ranges = rangesOf(egress === "internet" ? ["0.0.0.0/0"] : egress)
  return [...eachOnce(ranges)]
    .sort((a, b) => (writeRange(a) < writeRange(b) ? -1 : 1))
    .flatMap((range) => {
      const except = exceptionsOf(range, rules)
      if (except === undefined) return []
      return [{ cidr: writeRange(range), ...(except.length === 0 ? {} : { except: written(except) }) }]
    })
}

/** Removes duplicates. Keeps a range inside another one, because their cut-out parts may differ. */
const eachOnce = (ranges: ReadonlyArray<IpRange>) => new Map(ranges.map((range) => [writeRange(range), range])).values()

/** Why a declared range isn't opened, as a predicate after the range; undefined if it is. */
export const refusalOf = (cidr: string, rules: EgressRules & { readonly unknownRanges?: string | undefined }) => {
  const [range] = rangesOf([cidr])
  if (range === undefined) return undefined
  const special = specialOf(range)
  const what = special?.what ?? ""
  if (never.some((value) => isWithin(range, value))) return `is ${what}, which no service can reach. Remove it.`
  if (ofVersion4(rangesOf(rules.closedRanges ?? [])).some((value) => isWithin(range, value))) {
    return "belongs to the cluster itself (nodes, pods or Services). Remove it, and link to the service that you want to call."
  }
  if (!listable.some((value) => isWithin(range, value))) return undefined
  if (rules.unknownRanges !== undefined) {
    return `is ${what}, and the server doesn't know which addresses are the cluster's own (${rules.unknownRanges}). The operator sets MAXCLOUD_CLOSED_RANGES; \`maxcloud cluster check\` says to what.`
  }
  const listed = rangesOf(rules.privateRanges ?? [])
  if (listed.some((value) => isWithin(range, value))) return undefined
  const near = listed.filter((value) => overlap(value, range)).map(writeRange)
  const instead = near.length === 0 ? "" : ` You can declare ${near.join(", ")} of it.`
  return `is ${what}, and the operator hasn't opened it.${instead} The operator lists ranges in MAXCLOUD_PRIVATE_EGRESS_RANGES.`
}

/** The cluster's ranges, sorted, without duplicates and ranges inside others, so that equal ranges make equal manifests. */
export const canonicalRanges = (cidrs: ReadonlyArray<string>): ReadonlyArray<string> =>
  written(outermost(rangesOf(cidrs)))
