import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Effect } from "effect"

/**
 * The rows that the database shows to the present fiber (row security, the second line of defense behind each query's
 * own `where`): one organization's, all (`*`, for the server's own work), or `none`. The default (`unsaid`) shows
 * nothing: a statement whose caller hasn't chosen a scope isn't sent, and fails as a bug of ours.
 */
export class RowScope extends Context.Reference<RowScope>()("@maxcloud/server/RowScope", {
  defaultValue: (): OrganizationId | "*" | "none" | "unsaid" => "unsaid"
}) {}

/** Runs with the rows of one organization. */
export const asOrganization = (organizationId: OrganizationId) => Effect.provideService(RowScope, organizationId)

/** Runs with all rows: for the server's own work, such as finding the owner of a credential. */
export const asServer: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
  RowScope,
  "*"
)

/** Runs with no organization's rows. */
export const asNobody: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
  RowScope,
  "none"
)

/**
 * The present context without its row scope: for a service whose work later runs with its caller's rows, whatever scope
 * the service was made in.
 */
export const contextWithoutRows = <R>() =>
  Effect.map(Effect.context<R>(), ({ unsafeMap }) =>
    Context.unsafeMake<R>(new Map([...unsafeMap].filter(([key]) => key !== RowScope.key)))
  )
