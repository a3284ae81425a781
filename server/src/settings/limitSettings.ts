import { Config, Schema } from "effect"
import { from, optional, type Settings } from "./setting.ts"

/** How often the API may be called, and what an organization may have where an operator has not said otherwise for it. */
export interface LimitSettings {
  /** Requests a minute of each credential. */
  readonly requestsPerMinute: number
  /** undefined: the built-in default (`limits/defaultQuotas.ts`), here and below. */
  readonly quotaServices: QuotaSetting
  readonly quotaInstances: QuotaSetting
  /** Thousandths of a vCPU. */
  readonly quotaCpuMilli: QuotaSetting
  /** Bytes. */
  readonly quotaMemory: QuotaSetting
  readonly quotaDeploymentsPerHour: QuotaSetting
  /** Bytes. */
  readonly quotaSources: QuotaSetting
}

type QuotaSetting = number | "none" | undefined

const Whole = Schema.NumberFromString.pipe(Schema.int(), Schema.between(0, 1_000_000_000))
const Rate = Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 1_000_000_000))
const units: Readonly<Record<string, number>> = { "": 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 }

const Vcpus = Schema.transform(Schema.NumberFromString.pipe(Schema.between(0, 1_000_000)), Schema.Int, {
  strict: true,
  decode: (vcpu) => Math.round(vcpu * 1000),
  encode: (milli) => milli / 1000
})
const Bytes = Schema.transform(Schema.String.pipe(Schema.pattern(/^\d{1,15}(Ki|Mi|Gi|Ti)?$/)), Schema.Int, {
  strict: true,
  decode: (written) => Number.parseInt(written, 10) * (units[written.replace(/^\d+/, "")] ?? 1),
  encode: String
})

/** How each quota is written, in settings and by operators. */
export const quotaAmounts = {
  services: { schema: Whole, written: "write a whole number, such as 50" },
  instances: { schema: Whole, written: "write a whole number, such as 50" },
  cpuMilli: { schema: Vcpus, written: 'vCPUs are written as "16" or "0.5"' },
  memoryBytes: { schema: Bytes, written: 'memory is written as "64Gi"' },
  deploymentsPerHour: { schema: Whole, written: "write a whole number, such as 50" },
  sourceBytes: { schema: Bytes, written: 'bytes are written as "5Gi"' }
} as const

const quota = (name: string, { schema, written }: { schema: Schema.Schema<number, string>; written: string }) =>
  optional(from(name, Schema.Union(Schema.Literal("none"), schema), `${written}, or "none"`))

export const limitSettings: Settings<LimitSettings> = {
  requestsPerMinute: {
    name: "MAXCLOUD_RATE_LIMIT",
    config: from("MAXCLOUD_RATE_LIMIT", Rate, "requests a minute, a whole number from 1 on").pipe(
      Config.withDefault(1_200)
    ),
    default: "1200",
    description: "Requests a minute that each credential may send, over all servers of a database."
  },
  quotaServices: {
    name: "MAXCLOUD_QUOTA_SERVICES",
    config: quota("MAXCLOUD_QUOTA_SERVICES", quotaAmounts.services),
    default: "50; no limit on a server without credentials",
    description:
      "Services that an organization may have, if nothing else is set for it. `none`: no limit, as for all quotas."
  },
  quotaInstances: {
    name: "MAXCLOUD_QUOTA_INSTANCES",
    config: quota("MAXCLOUD_QUOTA_INSTANCES", quotaAmounts.instances),
    default: "500; no limit on a server without credentials",
    description: "Instances that an organization's services may have at their largest scale, together."
  },
  quotaCpuMilli: {
    name: "MAXCLOUD_QUOTA_CPU",
    config: quota("MAXCLOUD_QUOTA_CPU", quotaAmounts.cpuMilli),
    default: "500; no limit on a server without credentials",
    description: "vCPUs that an organization's services may have at their largest scale, together."
  },
  quotaMemory: {
    name: "MAXCLOUD_QUOTA_MEMORY",
    config: quota("MAXCLOUD_QUOTA_MEMORY", quotaAmounts.memoryBytes),
    default: "256Gi; no limit on a server without credentials",
    description: "Memory that an organization's services may have at their largest scale, together, such as `64Gi`."
  },
  quotaDeploymentsPerHour: {
    name: "MAXCLOUD_QUOTA_DEPLOYMENTS_PER_HOUR",
    config: quota("MAXCLOUD_QUOTA_DEPLOYMENTS_PER_HOUR", quotaAmounts.deploymentsPerHour),
    default: "600",
    description: "Deployments that an organization may begin in an hour."
  },
  quotaSources: {
    name: "MAXCLOUD_QUOTA_SOURCES",
    config: quota("MAXCLOUD_QUOTA_SOURCES", quotaAmounts.sourceBytes),
    default: "5Gi; no limit on a server without credentials",
    description: "Bytes of source snapshots that a server keeps for an organization, uploads in progress included."
  }
}

export const limitConfig: Config.Config<LimitSettings> = Config.all({
  requestsPerMinute: limitSettings.requestsPerMinute.config,
  quotaServices: limitSettings.quotaServices.config,
  quotaInstances: limitSettings.quotaInstances.config,
  quotaCpuMilli: limitSettings.quotaCpuMilli.config,
  quotaMemory: limitSettings.quotaMemory.config,
  quotaDeploymentsPerHour: limitSettings.quotaDeploymentsPerHour.config,
  quotaSources: limitSettings.quotaSources.config
})
