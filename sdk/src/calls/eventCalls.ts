import { Effect, Schema } from "effect"
import { type CloudEvent, EventParameters, type InvalidRequest } from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { parse } from "../parse.ts"
import { type Calling, given } from "./Calling.ts"

/** Which events to read. */
export interface EventFilter {
  /** A type such as `deployment.failed`, or `deployment.*` for all that begin alike; several with commas between them. */
  readonly type?: string | undefined
  readonly app?: string | undefined
  readonly stage?: string | undefined
  /** RFC 3339, or a duration before now such as `24h`. */
  readonly since?: string | undefined
}

export interface EventOptions extends EventFilter {
  /** 1 to 1000. @default 100 */
  readonly limit?: number | undefined
  /** Events after the one with this `sequence`: the way to the next page. */
  readonly cursor?: string | undefined
}

const parseParameters = parse(EventParameters)
const encodeParameters = Schema.encodeSync(EventParameters)

/** The filter as it stands in a query. */
export const eventParameters = ({ app, since, stage, type }: EventFilter) =>
  Effect.map(
    parseParameters(given({ app, since, stage, type })),
    (parameters): ReadonlyArray<[string, string]> =>
      Object.entries(encodeParameters(parameters)).flatMap(([name, value]) =>
        name === "limit" || value === undefined ? [] : [[name, value]]
      )
  )

/** What happened in the organization. */
export const eventCalls = ({ api, call }: Calling) => ({
  /** Oldest first. */
  list: (options: EventOptions = {}): Effect.Effect<ReadonlyArray<CloudEvent>, CallError | InvalidRequest> => {
    const { limit, ...rest } = options
    return Effect.flatMap(
      parseParameters(given({ ...rest, limit: limit === undefined ? undefined : String(limit) })),
      (urlParams) => call(api.events.list({ urlParams, headers: {} }))
    )
  }
})
