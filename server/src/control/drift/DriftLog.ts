import type { AppName, StageName } from "@maxcloud/config-schema"
import type {
  DriftChange,
  DriftList,
  DriftRecord,
  InvalidRequest,
  NotFound,
  OrganizationId,
  Page,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
import type { Target } from "../../base/words/Target.ts"
import type { Drift } from "../../runtimes/port/Runtime.ts"

/** The stored drift: other people's changes to our objects. */
export class DriftLog extends Context.Tag("@maxcloud/server/DriftLog")<
  DriftLog,
  {
    readonly page: (
      target: Target,
      filter: { readonly change?: DriftChange | undefined },
      paging: ReturnType<typeof DriftList.pagingOf>
    ) => Effect.Effect<Page<DriftRecord>, InvalidRequest | NotFound | Unavailable>
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
