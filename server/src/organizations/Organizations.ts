import type { OrganizationName } from "@maxcloud/config-schema"
import type { Conflict, CurrentOrganization, Unavailable } from "@maxcloud/sdk/api"
import { Context, type Effect, type Option } from "effect"

/** The tenant that everything belongs to. */
export type Organization = CurrentOrganization["Type"]

/** The organizations of this server. */
export class Organizations extends Context.Tag("@maxcloud/server/Organizations")<
  Organizations,
  {
    /** The organization `local`, made at the first start. */
    readonly ensureLocal: Effect.Effect<Organization, Unavailable>
    readonly create: (name: OrganizationName) => Effect.Effect<Organization, Conflict | Unavailable>
    readonly find: (name: OrganizationName) => Effect.Effect<Option.Option<Organization>, Unavailable>
  }
>() {}
