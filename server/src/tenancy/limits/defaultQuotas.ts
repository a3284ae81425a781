import type { Quotas } from "@maxcloud/sdk/api"
import type { LimitSettings } from "../../base/settings/limitSettings.ts"
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

/** Against floods, by mistake too: on every server. */
const always = { deploymentsPerHour: 600, logBytes: 5 * 2 ** 30, streams: 200 }

/** On a server for several organizations: enough for 50 services as they are by default, and no organization takes the cluster. */
export const builtInQuotas: Quotas = {
  services: 50,
  instances: 500,
  cpuMilli: 500_000,
  memoryBytes: 256 * 2 ** 30,
  sourceBytes: 5 * 2 ** 30,
  ...always
}

/** The default quotas of an organization. A server without credentials is one person's machine, which needs no shares. */
export const defaultQuotas = (settings: LimitSettings & Pick<ServerSettings, "auth" | "host">): Quotas => {
  const builtIn = callsWithoutCredential(settings) ? { ...unlimited, ...always } : builtInQuotas
  const of = (set: number | "none" | undefined, or: number | null) => (set === "none" ? null : (set ?? or))
  return {
    services: of(settings.quotaServices, builtIn.services),
    instances: of(settings.quotaInstances, builtIn.instances),
    cpuMilli: of(settings.quotaCpuMilli, builtIn.cpuMilli),
    memoryBytes: of(settings.quotaMemory, builtIn.memoryBytes),
    deploymentsPerHour: of(settings.quotaDeploymentsPerHour, builtIn.deploymentsPerHour),
    sourceBytes: of(settings.quotaSources, builtIn.sourceBytes),
    logBytes: of(settings.quotaLogs, builtIn.logBytes),
    streams: of(settings.quotaStreams, builtIn.streams)
  }
}
