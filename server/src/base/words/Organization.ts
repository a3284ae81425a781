import type { CurrentOrganization } from "@maxcloud/sdk/api"

/** The tenant that everything belongs to. */
export type Organization = CurrentOrganization["Type"]
