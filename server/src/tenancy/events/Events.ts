import type { CloudEvent, EventType, KeyScope, OrganizationId, Role, Unavailable } from "@maxcloud/sdk/api"
import { eventKinds, eventTypes, matchesType } from "@maxcloud/sdk/api"
import { Context, type Effect, type Stream } from "effect"

/** Which events a reader wants, and may see. */
export interface EventQuery {
  readonly types: ReadonlyArray<EventType>
  readonly app?: string | undefined
  readonly stage?: string | undefined
  /** Epoch milliseconds. */
  readonly since?: number | undefined
  /** Only events of these apps and stages. */
  readonly scopes?: ReadonlyArray<KeyScope> | undefined
}

/** The kinds that these patterns mean, without those that one of the roles may not read. */
export const readableTypes = (patterns: ReadonlyArray<string>, roles: ReadonlyArray<Role>): ReadonlyArray<EventType> =>
  eventTypes.filter(
    (type) =>
      patterns.some((pattern) => matchesType(pattern, type)) &&
      roles.every((role) => eventKinds[type].roles.includes(role))
  )

/** What happened in an organization. Whoever changes something writes its event in the same transaction (`recordEvents`). */
export class Events extends Context.Tag("@maxcloud/server/Events")<
  Events,
  {
    /** The oldest after the number `after`, up to `limit`. */
    readonly list: (
      organizationId: OrganizationId,
      query: EventQuery,
      page: { readonly after: number; readonly limit: number }
    ) => Effect.Effect<ReadonlyArray<CloudEvent>, Unavailable>
    /** Those after the number `after`, without an end; undefined: what happens from now on, or since `since`. */
    readonly follow: (
      organizationId: OrganizationId,
      query: EventQuery,
      after: number | undefined
    ) => Stream.Stream<CloudEvent, Unavailable>
  }
>() {}
