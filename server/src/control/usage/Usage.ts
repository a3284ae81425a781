import type { Unavailable, UsageReport } from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
import type { Organization } from "../../base/words/Organization.ts"

/** Resources that an organization's instances have reserved, from their lifetimes. */
export class Usage extends Context.Tag("@maxcloud/server/Usage")<
  Usage,
  {
    /** Per app, stage and service, between two points in time; running instances count up to `until`. */
    readonly read: (organization: Organization, since: Date, until: Date) => Effect.Effect<UsageReport, Unavailable>
  }
>() {}
