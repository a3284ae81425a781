import { Config, Schema } from "effect"
import { from, optional, type Settings } from "./setting.ts"

/** How often the API may be called, and what an organization may have where an operator has not said otherwise for it. */
export interface LimitSettings {
  /** Requests a minute of each credential. */
  readonly requestsPerMinute: number
  /** undefined: no limit, here and below. */
  readonly quotaServices: number | undefined
  readonly quotaInstances: number | undefined
  /** Thousandths of a vCPU. */
  readonly quotaCpuMilli: number | undefined
  /** Bytes. */
  readonly quotaMemory: number | undefined
  readonly quotaDeploymentsPerHour: number | undefined
}

const Whole = Schema.NumberFromString.pipe(Schema.int(), Schema.between(0, 1_000_000_000))
const Rate = Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 1_000_000_000))
const whole = (name: string) => from(name, Whole, "write a whole number, such as 50")
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
    config: optional(whole("MAXCLOUD_QUOTA_SERVICES")),
    default: "no limit",
    description: "Services that an organization may have, where nothing else is said for it."
  },
  quotaInstances: {
    name: "MAXCLOUD_QUOTA_INSTANCES",
    config: optional(whole("MAXCLOUD_QUOTA_INSTANCES")),
    default: "no limit",
    description: "Instances that an organization's services may have at their largest scale, together."
  },
  quotaCpuMilli: {
    name: "MAXCLOUD_QUOTA_CPU",
    config: optional(from("MAXCLOUD_QUOTA_CPU", Vcpus, 'vCPUs are written as "16" or "0.5"')),
    default: "no limit",
    description: "vCPUs that an organization's services may have at their largest scale, together."
  },
  quotaMemory: {
    name: "MAXCLOUD_QUOTA_MEMORY",
    config: optional(from("MAXCLOUD_QUOTA_MEMORY", Bytes, 'memory is written as "64Gi"')),
    default: "no limit",
    description: "Memory that an organization's services may have at their largest scale, together, such as `64Gi`."
  },
  quotaDeploymentsPerHour: {
    name: "MAXCLOUD_QUOTA_DEPLOYMENTS_PER_HOUR",
    config: whole("MAXCLOUD_QUOTA_DEPLOYMENTS_PER_HOUR").pipe(Config.withDefault(600)),
    default: "600",
    description: "Deployments that an organization may begin in an hour."
  }
}

export const limitConfig: Config.Config<LimitSettings> = Config.all({
  requestsPerMinute: limitSettings.requestsPerMinute.config,
  quotaServices: limitSettings.quotaServices.config,
  quotaInstances: limitSettings.quotaInstances.config,
  quotaCpuMilli: limitSettings.quotaCpuMilli.config,
  quotaMemory: limitSettings.quotaMemory.config,
  quotaDeploymentsPerHour: limitSettings.quotaDeploymentsPerHour.config
})
