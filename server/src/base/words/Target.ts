import type { AppName, StageName } from "@maxcloud/config-schema"
import type { Organization } from "./Organization.ts"

/** An app and stage of an organization. */
export interface Target {
  readonly organization: Organization
  readonly app: AppName
  readonly stage: StageName
}
