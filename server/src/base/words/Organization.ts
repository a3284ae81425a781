import type { CurrentOrganization } from "@maxcloud/sdk/api"

/** The tenant that owns everything. */
export type Organization = CurrentOrganization["Type"]
