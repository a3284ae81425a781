import { AppName, quoted, ServiceName, StageName, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { type EventData, type EventType, eventTypes, matchesType } from "./eventKinds.ts"
import { EventId } from "./ids.ts"
import { listOf } from "./lists.ts"
import { openEnum } from "./openEnum.ts"
import { Time, TimeText } from "./time.ts"

/** A safe integer as text, because the extension `sequence` of CloudEvents is one. */
const EventSequence = Schema.String.pipe(
  Schema.pattern(/^\d{1,15}$/, {
    message: () => "Use the `sequence` of an event: a whole number from 0 to 999999999999999.",
    jsonSchema: { pattern: "^\\d{1,15}$", maxLength: 15 }
  })
)

/**
 * An event in the organization, as a CloudEvent (1.0, JSON format). `sequence` increases by one with each event of the organization; readers
 * resume from it. `type` may be one that a newer server has added.
 */
export const CloudEvent = Schema.Struct({
  specversion: openEnum("1.0"),
  id: EventId,
  /** The organization, as a path: `/organizations/org_…`. */
  source: Schema.String,
  type: Schema.String.annotations({ examples: ["deployment.succeeded"] }),
  /** The resource that it concerns, such as `deployments/dep_…`. */
  subject: Schema.String,
  time: Time,
  datacontenttype: openEnum("application/json"),
  sequence: EventSequence,
  data: Schema.Record({ key: Schema.String, value: Schema.Unknown })
}).annotations({ identifier: "CloudEvent" })
export interface CloudEvent extends Schema.Schema.Type<typeof CloudEvent> {}

/** Narrows an event to a kind: `if (isEvent(event, "deployment.failed")) event.data.number`. */
export const isEvent = <T extends EventType>(
  event: CloudEvent,
  type: T
): event is CloudEvent & { readonly type: T; readonly data: EventData<T> } => event.type === type

/** A type, or all with a prefix: `deployment.succeeded`, `deployment.*`, `*`. */
export const EventPattern = textUpTo(100, "The type").pipe(
  Schema.filter(
    (written) =>
      eventTypes.some((type) => matchesType(written, type)) ||
      `${quoted(written)} isn't a type of event. Use one such as "deployment.failed", or "deployment.*" for all with that prefix.`
  )
)

/** Up to 20 of them, separated by commas. */
const EventPatterns = Schema.transform(
  textUpTo(1_000, "The list of types"),
  Schema.Array(EventPattern).pipe(Schema.minItems(1), Schema.maxItems(20)),
  { strict: true, decode: (written) => written.split(","), encode: (patterns) => patterns.join(",") }
)

/** The events of an organization, oldest first. */
export const EventList = listOf(CloudEvent, {
  name: "events",
  sorts: ["sequence"],
  filters: {
    /** Types separated by commas, `deployment.*` for all with that prefix. @default all */
    type: Schema.optional(EventPatterns),
    app: Schema.optional(AppName),
    stage: Schema.optional(StageName),
    /** Only events of services with this name. */
    service: Schema.optional(ServiceName).annotations({ description: "Only events of services with this name." }),
    since: Schema.optional(TimeText),
    after: Schema.optional(EventSequence).annotations({
      description: "Events after the one with this `sequence`, to continue reading later."
    })
  }
})
export type EventParameters = typeof EventList.parameters.Type
