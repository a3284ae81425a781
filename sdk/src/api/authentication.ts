import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import type { OrganizationName } from "@maxcloud/config-schema"
import { Context, Schema } from "effect"
import { wire } from "./errors.ts"
import type { OrganizationId } from "./ids.ts"

/** The organization that a request belongs to. It comes from the credential, never from the request's content. */
export class CurrentOrganization extends Context.Tag("@maxcloud/sdk/CurrentOrganization")<
  CurrentOrganization,
  { readonly id: OrganizationId; readonly name: OrganizationName }
>() {}

/** Identifies the caller. On loopback without credentials it is the `local` organization, after checks of Host and Origin. */
export class Authentication extends HttpApiMiddleware.Tag<Authentication>()("@maxcloud/sdk/Authentication", {
  failure: Schema.Union(wire.Unauthenticated, wire.Forbidden, wire.TooManyRequests),
  provides: CurrentOrganization
}) {}
