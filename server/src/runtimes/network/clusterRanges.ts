import { type IpRange, isWithin, parseAddress, parseRange, rangesOf, writeRange } from "@maxcloud/config-schema"
import { canonicalRanges } from "@maxcloud/synth"
import { Effect, Option, Schema } from "effect"
import { KubeApi, type KubeError } from "../kubeApi/KubeApi.ts"

/** The cluster's own addresses, as far as it reveals them. */
export interface ClusterRanges {
  /** Service ranges, nodes, pod ranges of nodes, and the API server's addresses: canonical. */
  readonly found: ReadonlyArray<string>
  /** The same, by owner and as the cluster writes them. */
  readonly told: RangesByOwner
  /** Did the cluster answer every question? If not, more ranges may exist. */
  readonly complete: boolean
  /** Owners with no address visible to the server. Their ranges are unknown only for that reason. */
  readonly unseen: ReadonlyArray<UnknownRange["of"]>
  /** Addresses outside all known and configured ranges, and the missing setting for each. Empty if everything is known. */
  readonly unknown: ReadonlyArray<UnknownRange>
}

export interface UnknownRange {
  readonly of: "pods" | "Services"
  /** Why it is unknown, as a clause. */
  readonly why: string
}

export interface RangesByOwner {
  readonly services: ReadonlyArray<string>
  readonly pods: ReadonlyArray<string>
  /** Nodes and API servers. */
  readonly machines: ReadonlyArray<string>
}

const texts = Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] })
const text = Schema.optionalWith(Schema.String, { default: () => "" })
const listOf = <A, I>(item: Schema.Schema<A, I>) =>
  Schema.decodeUnknownOption(Schema.Struct({ items: Schema.Array(item) }))

const ServiceCidr = Schema.Struct({ spec: Schema.Struct({ cidrs: texts }) })
const Node = Schema.Struct({
  spec: Schema.Struct({ podCIDR: text, podCIDRs: texts }),
  status: Schema.Struct({
    addresses: Schema.optionalWith(Schema.Array(Schema.Struct({ address: Schema.String })), { default: () => [] })
  })
})
const EndpointSlice = Schema.Struct({
  endpoints: Schema.optionalWith(Schema.NullOr(Schema.Array(Schema.Struct({ addresses: texts }))), {
    default: () => null
  })
})
const Service = Schema.Struct({ spec: Schema.Struct({ clusterIPs: texts }) })
const Pod = Schema.Struct({
  spec: Schema.Struct({ hostNetwork: Schema.optionalWith(Schema.Boolean, { default: () => false }) }),
  status: Schema.optionalWith(Schema.Struct({ podIPs: Schema.optional(Schema.Array(Schema.Struct({ ip: text }))) }), {
    default: () => ({ podIPs: undefined })
  })
})

/** How many objects to check for addresses outside a range. */
const sample = "500"

/** Undefined if the cluster lacks the kind (`ServiceCIDR` needs Kubernetes 1.33), or the server may not read it. */
const list = <A, I>(path: string, item: Schema.Schema<A, I>, query: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    return yield* api.request({ method: "GET", path, query }).pipe(
      Effect.map((answer) => Option.getOrUndefined(Option.map(listOf(item)(answer), (found) => found.items))),
      Effect.catchIf(
        (error: KubeError) => error.reason === "notFound" || error.reason === "forbidden",
        () => Effect.succeed(undefined)
      )
    )
  })

/** Nodes' addresses include their names. */
const addressesOf = (written: ReadonlyArray<string>): ReadonlyArray<IpRange> =>
  written.flatMap((value) => parseAddress(value) ?? [])

const single = (written: string): ReadonlyArray<string> => {
  const address = parseAddress(written)
  return address === undefined ? [] : [`${written}/${address.length}`]
}

const outside = (addresses: ReadonlyArray<string>, ranges: ReadonlyArray<IpRange>) =>
  addressesOf(addresses).filter((address) => address.version === 4 && !ranges.some((range) => isWithin(address, range)))

const unknownOf = (
  of: UnknownRange["of"],
  seen: ReadonlyArray<string> | undefined,
  ranges: ReadonlyArray<IpRange>,
  example: string
): ReadonlyArray<UnknownRange> => {
  if (seen === undefined)
    return [{ of, why: `the server isn't allowed to list ${of}. Run \`maxcloud cluster install\` again` }]
  if (ranges.length === 0) return [{ of, why: `the cluster doesn't report the range of its ${of}` }]
  const left = outside(seen, ranges)
  const [first] = left
  if (first === undefined) return []
  const [address] = writeRange(first).split("/", 1)
  const others = left.length === 1 ? "" : ` and ${left.length - 1} more`
  return [{ of, why: `no known range contains ${address}${others}, ${example}` }]
}

/** The initial ranges, before any report. */
const nothing: RangesByOwner = { services: [], pods: [], machines: [] }

/**
 * Reads the cluster's own addresses. The operator's `set` ranges count as known, and ranges reported `before` as still existing.
 * A range counts as the pods' or the Services' only if it contains all of them that we can see: networks may use addresses
 * outside every node's `podCIDR`.
 */
export const findClusterRanges = Effect.fn("findClusterRanges")(function* (
  set: ReadonlyArray<string> = [],
  before: RangesByOwner = nothing
) {
  // Read the pods before the ranges: the node of a visible pod is then in the later list.
  const [services, pods] = yield* Effect.all(
    [
      list("/api/v1/services", Service, { limit: sample }),
      list("/api/v1/pods", Pod, { limit: sample, fieldSelector: "status.phase=Running" })
    ],
    { concurrency: "unbounded" }
  )
  const [serviceCidrs, nodes, api] = yield* Effect.all(
    [
      list("/apis/networking.k8s.io/v1/servicecidrs", ServiceCidr),
      list("/api/v1/nodes", Node),
      list("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", EndpointSlice, {
        labelSelector: "kubernetes.io/service-name=kubernetes"
      })
    ],
    { concurrency: "unbounded" }
  )
  const known = (ranges: ReadonlyArray<string>) => [
    ...new Set(ranges.filter((range) => parseRange(range) !== undefined))
  ]
  const ofNodes = (nodes ?? []).flatMap((each) => each.status.addresses.flatMap(({ address }) => single(address)))
  const ofApi = (api ?? []).flatMap((item) => (item.endpoints ?? []).flatMap((each) => each.addresses.flatMap(single)))
  const told: RangesByOwner = {
    services: known((serviceCidrs ?? []).flatMap((each) => each.spec.cidrs)),
    pods: known(
      (nodes ?? []).flatMap(({ spec }) => [...spec.podCIDRs, ...(spec.podCIDR === "" ? [] : [spec.podCIDR])])
    ),
    machines: known([...ofNodes, ...ofApi])
  }
  const operators = rangesOf(set)
  return {
    found: canonicalRanges([...told.services, ...told.pods, ...told.machines]),
    told,
    complete: [services, pods, serviceCidrs, nodes, api].every((value) => value !== undefined),
    unseen: [
      ...(services === undefined ? ["Services" as const] : []),
      ...(pods === undefined ? ["pods" as const] : [])
    ],
    unknown: [
      ...unknownOf(
        "Services",
        services?.flatMap((service) => service.spec.clusterIPs),
        [...rangesOf([...told.services, ...before.services]), ...operators],
        "the ClusterIP of a Service"
      ),
      ...unknownOf(
        "pods",
        pods?.flatMap((pod) => (pod.spec.hostNetwork ? [] : (pod.status.podIPs ?? []).map((each) => each.ip))),
        [...rangesOf([...told.pods, ...before.pods]), ...operators],
        "the address of a pod"
      )
    ]
  } satisfies ClusterRanges
})

/** The missing ranges, as one clause; undefined if everything is known. */
export const unknownText = ({ unknown }: Pick<ClusterRanges, "unknown">): string | undefined =>
  unknown.length === 0 ? undefined : unknown.map((each) => `${each.of}: ${each.why}`).join("; ")
