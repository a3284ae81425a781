import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Effect } from "effect"

/**
 * Whose rows the database shows to what runs here (row security, the second line of defence behind each query's own `where`):
 * one organization's, `*` all of them (the server's own work), or `none`. Requests begin with `none` and go on with the caller's organization;
 * work that is no request's has `*`.
 */
export class RowScope extends Context.Reference<RowScope>()("@maxcloud/server/RowScope", {
  defaultValue: (): OrganizationId | "*" | "none" => "*"
}) {}

/** Runs with the rows of one organization. */
export const asOrganization = (organizationId: OrganizationId) => Effect.provideService(RowScope, organizationId)

/** Runs with all rows: for what is the server's own work, such as finding whose a credential is. */
export const asServer: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
  RowScope,
  "*"
)

/** Runs without a row of any organization. */
export const asNobody: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
  RowScope,
  "none"
)
