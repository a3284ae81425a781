import { amountIn, byteUnits } from "@maxcloud/config-schema"
import { Option, Schema } from "effect"
import { form, whole } from "./forms.ts"
import { type Form, optional, type SettingValues, setting } from "./setting.ts"

const Vcpus = Schema.transform(Schema.NumberFromString.pipe(Schema.between(0, 1_000_000)), Schema.Int, {
  strict: true,
  decode: (vcpu) => Math.round(vcpu * 1000),
  encode: (milli) => milli / 1000
})
export const Bytes = Schema.transform(Schema.String.pipe(Schema.pattern(/^\d{1,15}(Ki|Mi|Gi|Ti)?$/)), Schema.Int, {
  strict: true,
  decode: (written) => amountIn(byteUnits, written) ?? 0,
  encode: String
})

const number = whole(0, 1_000_000_000, "write a whole number, such as 50")

/** How settings and operators write each quota. */
export const quotaForms = {
  services: number,
  instances: number,
  cpuMilli: form(Vcpus, 'vCPUs are written as "16" or "0.5"'),
  memoryBytes: form(Bytes, 'memory is written as "64Gi"'),
  deploymentsPerHour: number,
  sourceBytes: form(Bytes, 'bytes are written as "5Gi"'),
  logBytes: form(Bytes.pipe(Schema.greaterThanOrEqualTo(2 ** 20)), 'bytes are written as "5Gi", and are 1Mi or more'),
  streams: number
}

/**
 * Default quotas as an operator would write them: enough for 50 services with default sizes, and too little for one
 * organization to take the whole cluster. A server without credentials only limits deployments, logs and streams,
 * against floods.
 */
export const builtInQuotaTexts = {
  services: "50",
  instances: "500",
  cpuMilli: "500",
  memoryBytes: "256Gi",
  deploymentsPerHour: "600",
  sourceBytes: "5Gi",
  logBytes: "5Gi",
  streams: "200"
} as const satisfies Record<keyof typeof quotaForms, string>

const ofSharedServers = (quota: string) => `${quota}; no limit on a server without credentials`

const none: "none" = "none"
/** undefined: the built-in default (`builtInQuotaTexts`). */
const orNone = ({ help, read }: Form<number>): Form<number | "none"> => ({
  read: (written) => (written === none ? Option.some(none) : read(written)),
  help: `${help}, or "none"`
})

const count = (what: string) => whole(1, 1_000_000_000, what)
const oneOrMore = count("a whole number from 1 on")

/** How often the API may be called, and an organization's quotas unless an operator has set others. */
export const limitSettings = {
  requestsPerMinute: setting("MAXCLOUD_RATE_LIMIT", count("requests a minute, a whole number from 1 on"), {
    default: "1200",
    text: "Requests per minute for each credential, across all servers of a database."
  }),
  quotaServices: optional("MAXCLOUD_QUOTA_SERVICES", orNone(quotaForms.services), {
    unset: ofSharedServers(builtInQuotaTexts.services),
    text: "Services that an organization may have, if no other quota is set for it. `none`: no limit, as for all quotas."
  }),
  quotaInstances: optional("MAXCLOUD_QUOTA_INSTANCES", orNone(quotaForms.instances), {
    unset: ofSharedServers(builtInQuotaTexts.instances),
    text: "Instances that an organization's services may have in total, at maximum scale."
  }),
  /** Thousandths of a vCPU. */
  quotaCpuMilli: optional("MAXCLOUD_QUOTA_CPU", orNone(quotaForms.cpuMilli), {
    unset: ofSharedServers(builtInQuotaTexts.cpuMilli),
    text: "vCPUs that an organization's services may have in total, at maximum scale."
  }),
  /** Bytes. */
  quotaMemory: optional("MAXCLOUD_QUOTA_MEMORY", orNone(quotaForms.memoryBytes), {
    unset: ofSharedServers(builtInQuotaTexts.memoryBytes),
    text: "Memory that an organization's services may have in total, at maximum scale, such as `64Gi`."
  }),
  quotaDeploymentsPerHour: optional("MAXCLOUD_QUOTA_DEPLOYMENTS_PER_HOUR", orNone(quotaForms.deploymentsPerHour), {
    unset: builtInQuotaTexts.deploymentsPerHour,
    text: "Deployments per hour for an organization."
  }),
  /** Bytes. */
  quotaSources: optional("MAXCLOUD_QUOTA_SOURCES", orNone(quotaForms.sourceBytes), {
    unset: ofSharedServers(builtInQuotaTexts.sourceBytes),
    text: "Bytes of source snapshots that a server keeps for an organization, including uploads in progress."
  }),
  /** Bytes. */
  quotaLogs: optional("MAXCLOUD_QUOTA_LOGS", orNone(quotaForms.logBytes), {
    unset: builtInQuotaTexts.logBytes,
    text: "Bytes that an organization's log lines may take, on Kubernetes compressed. Above that, the oldest lines are deleted. Doesn't apply to Loki, which has its own limits."
  }),
  quotaStreams: optional("MAXCLOUD_QUOTA_STREAMS", orNone(quotaForms.streams), {
    unset: builtInQuotaTexts.streams,
    text: "Streams (followed logs, events, exports) that an organization may have open at once on one server. Beyond that, requests get 429."
  }),
  streamsPerKey: setting("MAXCLOUD_STREAMS_PER_KEY", oneOrMore, {
    default: "100",
    text: "Streams (followed logs, events, exports) that each credential may have open at once on one server. Beyond that, requests get 429."
  }),
  streamsPerAddress: setting("MAXCLOUD_STREAMS_PER_ADDRESS", oneOrMore, {
    default: "200",
    text: "The same for each network address. Behind a proxy, set `MAXCLOUD_TRUSTED_PROXIES`, or all callers share one address."
  }),
  graceSeconds: setting("MAXCLOUD_BODY_GRACE_SECONDS", oneOrMore, {
    default: "20",
    text: "Grace period in seconds for request bodies to the API that are slower than `MAXCLOUD_MIN_BYTES_PER_SECOND`; then 408. Responses read more slowly are aborted."
  }),
  bytesPerSecond: setting("MAXCLOUD_MIN_BYTES_PER_SECOND", oneOrMore, {
    default: "1024",
    text: "Minimum average transfer rate of a caller of the API, in bytes per second."
  }),
  /** 0: no limit. */
  tunnelIdleSeconds: setting(
    "MAXCLOUD_TUNNEL_IDLE_SECONDS",
    whole(0, 604_800, "whole seconds up to a week; 0 for no limit"),
    {
      default: "3600",
      text: "Seconds after which the local runtime closes a service's WebSocket or other upgraded connection if neither side sent a byte. 0: never, so a forgotten one keeps its instance from scaling to zero."
    }
  )
}

export type LimitSettings = SettingValues<typeof limitSettings>
