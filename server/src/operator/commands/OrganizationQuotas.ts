import type { Quotas as QuotaValues } from "@maxcloud/sdk/api"
import type { StoredUse } from "../../tenancy/limits/StoredUse.ts"

export type QuotaName = keyof QuotaValues

/** An organization, its quotas and its use. */
export interface OrganizationQuotas {
  readonly organization: { readonly id: string; readonly name: string }
  /** The effective quota: the organization's own, or else the default of the settings. null: no limit. */
  readonly quotas: QuotaValues
  /** The organization's own quota; null: none. */
  readonly own: QuotaValues
  readonly use: StoredUse
}
