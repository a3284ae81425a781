import type { Quotas as QuotaValues } from "@maxcloud/sdk/api"
import type { StoredUse } from "../../tenancy/limits/StoredUse.ts"

export type QuotaName = keyof QuotaValues

/** An organization, and what it may have and has. */
export interface OrganizationQuotas {
  readonly organization: { readonly id: string; readonly name: string }
  /** What holds: its own, or else the default of the settings. null: no limit. */
  readonly quotas: QuotaValues
  /** What was set for it; null: nothing. */
  readonly own: QuotaValues
  readonly use: StoredUse
}
