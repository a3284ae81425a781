import type { Quotas } from "@maxcloud/sdk/api"
import type { LimitSettings } from "../settings/limitSettings.ts"

/** What an organization may have where nothing else is said for it. */
export const defaultQuotas = (settings: LimitSettings): Quotas => ({
  services: settings.quotaServices ?? null,
  instances: settings.quotaInstances ?? null,
  cpuMilli: settings.quotaCpuMilli ?? null,
  memoryBytes: settings.quotaMemory ?? null,
  deploymentsPerHour: settings.quotaDeploymentsPerHour ?? null
})

export const unlimited: Quotas = {
  services: null,
  instances: null,
  cpuMilli: null,
  memoryBytes: null,
  deploymentsPerHour: null
}
