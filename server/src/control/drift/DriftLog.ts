import type { AppName, StageName } from "@maxcloud/config-schema"
import type { DriftRecord, NotFound, OrganizationId, Unavailable } from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
import type { Organization } from "../../base/words/Organization.ts"
import type { Drift } from "../../runtimes/port/Runtime.ts"

/** The stored drift: others' changes to our objects. */
export class DriftLog extends Context.Tag("@maxcloud/server/DriftLog")<
  DriftLog,
  {
    /** Newest first, the last 100. */
    readonly list: (
      organization: Organization,
      app: AppName,
      stage: StageName
    ) => Effect.Effect<ReadonlyArray<DriftRecord>, NotFound | Unavailable>
    readonly record: (drift: Drift) => Effect.Effect<void, Unavailable>
    /** The app's objects have been applied again: drift from before `at` is corrected. */
    readonly healed: (
      organizationId: OrganizationId,
      app: AppName,
      stage: StageName,
      at: Date
    ) => Effect.Effect<void, Unavailable>
  }
>() {}
