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
  /** Bytes. */
  readonly quotaLogs: QuotaSetting
  readonly quotaStreams: QuotaSetting
  /** Streams of events and logs, open at once on one server. */
  readonly streamsPerKey: number
  readonly streamsPerAddress: number
  readonly graceSeconds: number
  readonly bytesPerSecond: number
  /** 0: no limit. */
  readonly tunnelIdleSeconds: number
}

type QuotaSetting = number | "none" | undefined

const Whole = Schema.NumberFromString.pipe(Schema.int(), Schema.between(0, 1_000_000_000))
const Rate = Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 1_000_000_000))
const Seconds = Schema.NumberFromString.pipe(Schema.int(), Schema.between(0, 604_800))
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
  sourceBytes: { schema: Bytes, written: 'bytes are written as "5Gi"' },
  logBytes: {
    schema: Bytes.pipe(Schema.greaterThanOrEqualTo(2 ** 20)),
    written: 'bytes are written as "5Gi", and are 1Mi or more'
  },
  streams: { schema: Whole, written: "write a whole number, such as 50" }
} as const

const quota = (name: string, { schema, written }: { schema: Schema.Schema<number, string>; written: string }) =>
  optional(from(name, Schema.Union(Schema.Literal("none"), schema), `${written}, or "none"`))

const count = (name: string, value: number, description: string) => ({
  name,
  config: from(name, Rate, "a whole number from 1 on").pipe(Config.withDefault(value)),
  default: String(value),
  description
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
  },
  quotaLogs: {
    name: "MAXCLOUD_QUOTA_LOGS",
    config: quota("MAXCLOUD_QUOTA_LOGS", quotaAmounts.logBytes),
    default: "5Gi",
    description:
      "Bytes that an organization's log lines may take, on Kubernetes compressed. If there are more, the oldest lines go. Not in Loki, which has limits of its own."
  },
  quotaStreams: {
    name: "MAXCLOUD_QUOTA_STREAMS",
    config: quota("MAXCLOUD_QUOTA_STREAMS", quotaAmounts.streams),
    default: "200",
    description:
      "Streams (followed logs, events, exports) that an organization may have open at once on one server. One more is answered 429."
  },
  streamsPerKey: count(
    "MAXCLOUD_STREAMS_PER_KEY",
    100,
    "Streams (followed logs, events, exports) that each credential may have open at once on one server. One more is answered 429."
  ),
  streamsPerAddress: count(
    "MAXCLOUD_STREAMS_PER_ADDRESS",
    200,
    "The same for each network address. Behind a proxy, set `MAXCLOUD_TRUSTED_PROXIES`, or all callers share one address."
  ),
  graceSeconds: count(
    "MAXCLOUD_BODY_GRACE_SECONDS",
    20,
    "Seconds for which the body of a request to the API may be slower than `MAXCLOUD_MIN_BYTES_PER_SECOND`. After that it is answered 408. An answer that is read more slowly is broken off."
  ),
  bytesPerSecond: count(
    "MAXCLOUD_MIN_BYTES_PER_SECOND",
    1024,
    "Bytes a second that a caller of the API sends and reads at least, on the average."
  ),
  tunnelIdleSeconds: {
    name: "MAXCLOUD_TUNNEL_IDLE_SECONDS",
    config: from("MAXCLOUD_TUNNEL_IDLE_SECONDS", Seconds, "whole seconds up to a week; 0 for no limit").pipe(
      Config.withDefault(3_600)
    ),
    default: "3600",
    description:
      "Seconds after which a WebSocket or another upgraded connection of a service is closed on the local runtime if neither side sent a byte. 0: never, so a forgotten one keeps its instance from scaling to zero."
  }
}

export const limitConfig: Config.Config<LimitSettings> = Config.all({
  requestsPerMinute: limitSettings.requestsPerMinute.config,
  quotaServices: limitSettings.quotaServices.config,
  quotaInstances: limitSettings.quotaInstances.config,
  quotaCpuMilli: limitSettings.quotaCpuMilli.config,
  quotaMemory: limitSettings.quotaMemory.config,
  quotaDeploymentsPerHour: limitSettings.quotaDeploymentsPerHour.config,
  quotaSources: limitSettings.quotaSources.config,
  quotaLogs: limitSettings.quotaLogs.config,
  quotaStreams: limitSettings.quotaStreams.config,
  streamsPerKey: limitSettings.streamsPerKey.config,
  streamsPerAddress: limitSettings.streamsPerAddress.config,
  graceSeconds: limitSettings.graceSeconds.config,
  bytesPerSecond: limitSettings.bytesPerSecond.config,
  tunnelIdleSeconds: limitSettings.tunnelIdleSeconds.config
})
