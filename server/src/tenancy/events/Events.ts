import type {
  CloudEvent,
  EventList,
  EventType,
  InvalidRequest,
  KeyScope,
  OrganizationId,
  Page,
  Role,
  Unavailable
} from "@maxcloud/sdk/api"
import { eventKinds, eventTypes, matchesType } from "@maxcloud/sdk/api"
import { Context, type Effect, type Stream } from "effect"

/** Which events a reader wants and may see. */
export interface EventQuery {
  readonly types: ReadonlyArray<EventType>
  readonly app?: string | undefined
  readonly stage?: string | undefined
  /** A service's name. */
  readonly service?: string | undefined
  /** Epoch milliseconds. */
  readonly since?: number | undefined
  /** Only events after the one with this number. */
  readonly after?: number | undefined
  /** Only events of these apps and stages. */
  readonly scopes?: ReadonlyArray<KeyScope> | undefined
}

/** The types that these patterns match, except those that one of the roles may not read. */
export const readableTypes = (patterns: ReadonlyArray<string>, roles: ReadonlyArray<Role>): ReadonlyArray<EventType> =>
  eventTypes.filter(
    (type) =>
      patterns.some((pattern) => matchesType(pattern, type)) &&
      roles.every((role) => eventKinds[type].roles.includes(role))
  )

/** The events of an organization. Every change writes its event in the same transaction (`recordEvents`). */
export class Events extends Context.Tag("@maxcloud/server/Events")<
  Events,
  {
    readonly page: (
      organizationId: OrganizationId,
      query: EventQuery,
      paging: ReturnType<typeof EventList.pagingOf>
    ) => Effect.Effect<Page<CloudEvent>, InvalidRequest | Unavailable>
    /** Never ends. If the query has neither `after` nor `since`: events from now on. */
    readonly follow: (organizationId: OrganizationId, query: EventQuery) => Stream.Stream<CloudEvent, Unavailable>
  }
>() {}
