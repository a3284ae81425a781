import type { ServiceSpec } from "@maxcloud/config-schema"
import type { Quotas, QuotaUse } from "@maxcloud/sdk/api"
import { bytesText } from "../../base/words/bytesText.ts"

/** The resources of services at their maximum scale. */
export type Footprint = Pick<QuotaUse, "services" | "instances" | "cpuMilli" | "memoryBytes">

/** The fields of a service that count. */
export type Sized = Pick<ServiceSpec, "cpu" | "memory" | "scale">

export const nothing: Footprint = { services: 0, instances: 0, cpuMilli: 0, memoryBytes: 0 }

export const footprintOf = (services: ReadonlyArray<Sized>): Footprint =>
  services.reduce(
    (sum, { cpu, memory, scale }) => ({
      services: sum.services + 1,
      instances: sum.instances + scale.max,
      cpuMilli: sum.cpuMilli + scale.max * cpu,
      memoryBytes: sum.memoryBytes + scale.max * memory
    }),
    nothing
  )

interface Kind {
  readonly what: string
  readonly write: (amount: number) => string
  readonly less: string
}

const kinds: Readonly<Record<keyof Footprint, Kind>> = {
  services: {
    what: "services",
    write: String,
    less: "remove a service (`maxcloud destroy`, `maxcloud delete`)"
  },
  instances: { what: "instances", write: String, less: "lower `scale.max` of a service" },
  cpuMilli: {
    what: "vCPU",
    write: (milli) => String(milli / 1000),
    less: "lower `cpu` or `scale.max` of a service"
  },
  memoryBytes: { what: "memory", write: bytesText, less: "lower `memory` or `scale.max` of a service" }
}

const keys = ["services", "instances", "cpuMilli", "memoryBytes"] as const

/**
 * Why an organization with `others` elsewhere and `before` in this app and stage can't replace the latter with `after`;
 * undefined if it can. Use that doesn't grow is never refused: an organization over a lowered quota can still shrink,
 * and redeploy what it has.
 */
export const overQuota = (
  quotas: Quotas,
  others: Footprint,
  before: Footprint,
  after: Footprint
): string | undefined => {
  for (const key of keys) {
    const quota = quotas[key]
    const wanted = others[key] + after[key]
    if (quota === null || wanted <= quota || after[key] <= before[key]) continue
    const { less, what, write } = kinds[key]
    const atMost = key === "services" ? "" : " at maximum scale"
    return `Quota exceeded: the limit is ${write(quota)} ${what}${atMost}, and this deployment would bring the organization to ${write(wanted)} (${write(after[key])} of this app and stage, ${write(others[key])} of others). To continue, ${less}, or ask the server's operator to raise the quota.`
  }
  return undefined
}

/** A quota and its use. */
export interface QuotaLevel {
  readonly quota: keyof Footprint
  readonly used: number
  readonly limit: number
}

/** The share of a quota from which an organization is warned. */
const nearShare = 0.8

/** The quotas that this deployment uses more of than before, up to 80 % or more. */
export const nearQuotas = (
  quotas: Quotas,
  others: Footprint,
  before: Footprint,
  after: Footprint
): ReadonlyArray<QuotaLevel> =>
  keys.flatMap((quota) => {
    const limit = quotas[quota]
    const used = others[quota] + after[quota]
    return limit === null || limit === 0 || after[quota] <= before[quota] || used < limit * nearShare
      ? []
      : [{ quota, used, limit }]
  })
