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

/** The platform's ranges: the cluster's own, and the special ones that a service may declare. */
export type EgressRules = Pick<TenantContext, "closedRanges" | "privateRanges">

export interface IpBlock {
  readonly cidr: string
  readonly except?: Array<string>
}

/** Never opened, whoever lists it: the node itself, link-local, and metadata services, which give a machine's credentials away. */
const never = rangesFor(4, "host", "metadata")
/** Opened where the operator lists it. */
const listable = rangesFor(4, "private", "reserved")

const inOrder = (a: IpRange, b: IpRange) => (a.base === b.base ? a.length - b.length : a.base < b.base ? -1 : 1)

/** IPv6 is not opened at all, so that ranges of it need no exception. */
const ofVersion4 = (ranges: ReadonlyArray<IpRange>) => ranges.filter((range) => range.version === 4)

const written = (ranges: ReadonlyArray<IpRange>) => [...ranges].sort(inOrder).map(writeRange)

/** The parts that are cut out of a declared range: `undefined` if nothing of it is opened. */
const exceptionsOf = (range: IpRange, { closedRanges = [], privateRanges = [] }: EgressRules) => {
  const shut = [...never, ...ofVersion4(rangesOf(closedRanges))]
  const isListed = rangesOf(privateRanges).some((value) => isWithin(range, value))
  const isSpecial = listable.some((value) => isWithin(range, value))
  return cutFrom(range, isSpecial && isListed ? shut : [...shut, ...listable])
}

/**
 * The ranges that an `egress` opens, canonical, sorted, each once. IPv6 is not opened. `internet` is all but the special addresses. A
 * declared range is opened without the cluster's own ranges; where it lies in a special one, only if the operator lists it; where it
 * holds special ones, without these.
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

/** Removes duplicates. A range inside of another one stays: the parts cut out of the two may differ. */
const eachOnce = (ranges: ReadonlyArray<IpRange>) => new Map(ranges.map((range) => [writeRange(range), range])).values()

/** Why a declared range is not opened, as the end of a sentence that begins with it; undefined where it is. */
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
  const instead = near.length === 0 ? "" : ` Of it, ${near.join(", ")} can be declared.`
  return `is ${what}, and the operator hasn't opened it.${instead} The operator lists ranges in MAXCLOUD_PRIVATE_EGRESS_RANGES.`
}

/** Ranges of the cluster, each once, without those that another holds, in order: equal ones make equal manifests. */
export const canonicalRanges = (cidrs: ReadonlyArray<string>): ReadonlyArray<string> =>
  written(outermost(rangesOf(cidrs)))
