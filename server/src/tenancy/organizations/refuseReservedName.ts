import { isReservedName, type OrganizationName } from "@maxcloud/config-schema"
import { Conflict } from "@maxcloud/sdk/api"
import { Effect } from "effect"

/** Before an organization is created, in whatever way. One that already has such a name keeps it. */
export const refuseReservedName = (name: OrganizationName): Effect.Effect<void, Conflict> =>
  isReservedName(name)
    ? Effect.fail(
        new Conflict({
          detail: `The organization name "${name}" is reserved: the platform or its cluster may use it. Choose another name.`
        })
      )
    : Effect.void
