import type { Quotas } from "@maxcloud/sdk/api"
import { Option } from "effect"
import { builtInQuotaTexts, type LimitSettings, quotaForms } from "../../base/settings/limitSettings.ts"
import { callsWithoutCredential, type ServerSettings } from "../../base/settings/ServerConfig.ts"

export const unlimited: Quotas = {
  services: null,
  instances: null,
  cpuMilli: null,
  memoryBytes: null,
  deploymentsPerHour: null,
  sourceBytes: null,
  logBytes: null,
  streams: null
}

const builtIn = (name: keyof typeof quotaForms): number =>
  Option.getOrThrow(quotaForms[name].read(builtInQuotaTexts[name]))

/** Against floods, including accidental ones: on every server. */
const always = {
  deploymentsPerHour: builtIn("deploymentsPerHour"),
  logBytes: builtIn("logBytes"),
  streams: builtIn("streams")
}

/** On a server for several organizations. */
export const builtInQuotas = {
  services: builtIn("services"),
  instances: builtIn("instances"),
  cpuMilli: builtIn("cpuMilli"),
  memoryBytes: builtIn("memoryBytes"),
  sourceBytes: builtIn("sourceBytes"),
  ...always
} satisfies Quotas

/** The default quotas of an organization. A server without credentials is one person's machine, which needs no shares. */
export const defaultQuotas = (settings: LimitSettings & Pick<ServerSettings, "auth" | "host">): Quotas => {
  const unset: Quotas = callsWithoutCredential(settings) ? { ...unlimited, ...always } : builtInQuotas
  const of = (set: number | "none" | undefined, or: number | null) => (set === "none" ? null : (set ?? or))
  return {
    services: of(settings.quotaServices, unset.services),
    instances: of(settings.quotaInstances, unset.instances),
    cpuMilli: of(settings.quotaCpuMilli, unset.cpuMilli),
    memoryBytes: of(settings.quotaMemory, unset.memoryBytes),
    deploymentsPerHour: of(settings.quotaDeploymentsPerHour, unset.deploymentsPerHour),
    sourceBytes: of(settings.quotaSources, unset.sourceBytes),
    logBytes: of(settings.quotaLogs, unset.logBytes),
    streams: of(settings.quotaStreams, unset.streams)
  }
}
