import { Effect, Schema } from "effect"
import { EventList } from "../api/index.ts"
import { parse } from "../input/parse.ts"
import { type Calling, given } from "./Calling.ts"
import { listing, pageRequest } from "./listing.ts"

/** Which events to read. */
export interface EventFilter {
  /** A type such as `deployment.failed`, or `deployment.*` for all with that prefix. Separate several with commas. */
  readonly type?: string | undefined
  readonly app?: string | undefined
  readonly stage?: string | undefined
  /** Only events of services with this name, in all apps and stages that the filter allows. */
  readonly service?: string | undefined
  /** RFC 3339, or a duration before now such as `24h`. */
  readonly since?: string | undefined
}

export interface EventListFilter extends EventFilter {
  /** Events after the one with this `sequence`. */
  readonly after?: string | undefined
  /** @default sequence, oldest first */
  readonly sort?: "sequence" | "-sequence" | undefined
}

const parseParameters = parse(EventList.parameters)
const encodeParameters = Schema.encodeSync(EventList.parameters)

/** The filter as query parameters. */
export const eventParameters = ({ app, service, since, stage, type }: EventFilter) =>
  Effect.map(
    parseParameters(given({ app, since, stage, service, type })),
    (parameters): ReadonlyArray<[string, string]> =>
      Object.entries(encodeParameters(parameters)).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]]
      )
  )

/** The filter as the contract defines it, with a list of types. */
const asListed = (filter: EventListFilter | undefined): object | undefined =>
  typeof filter?.type === "string" ? { ...filter, type: filter.type.split(",") } : filter

/** The organization's events. */
export const eventCalls = ({ api, call }: Calling) => ({
  /** Oldest first. */
  list: listing(EventList)((page, filter?: EventListFilter) =>
    Effect.flatMap(pageRequest(EventList, asListed(filter), page), (urlParams) =>
      call(api.events.list({ urlParams, headers: {}, withResponse: true }))
    )
  )
})
