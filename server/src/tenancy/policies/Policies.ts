import type {
  Conflict,
  InvalidRequest,
  NotFound,
  OrganizationId,
  Page,
  PolicyInfo,
  PolicyList,
  PolicyName,
  SetPolicy,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"

/** An organization's rules for its apps. */
export class Policies extends Context.Tag("@maxcloud/server/Policies")<
  Policies,
  {
    readonly page: (
      organizationId: OrganizationId,
      paging: ReturnType<typeof PolicyList.pagingOf>
    ) => Effect.Effect<Page<PolicyInfo>, InvalidRequest | Unavailable>
    readonly get: (
      organizationId: OrganizationId,
      name: PolicyName
    ) => Effect.Effect<PolicyInfo, NotFound | Unavailable>
    /** `InvalidRequest`: the expression isn't valid. */
    readonly set: (
      organizationId: OrganizationId,
      name: PolicyName,
      policy: SetPolicy
    ) => Effect.Effect<PolicyInfo, InvalidRequest | Conflict | Unavailable>
    readonly remove: (organizationId: OrganizationId, name: PolicyName) => Effect.Effect<void, NotFound | Unavailable>
  }
>() {}
