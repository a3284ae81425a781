import { type EventType, eventKinds, eventTypes, frequentTypes } from "../src/api/eventKinds.ts"
import type { CloudEvent } from "../src/api/events.ts"
import { EventId } from "../src/api/ids.ts"

/** The example of a kind, as clients receive it. */
export const exampleOf = (type: EventType): CloudEvent => {
  const { data, subject } = eventKinds[type].example
  return {
    specversion: "1.0",
    id: EventId.make("evt_0198f3d29c7b7c3da1f04b6d5e8a9b20"),
    source: "/organizations/org_0198f3d29c7b70018a4c5f6e7d8c9b0a",
    type,
    subject,
    time: "2026-01-31T12:00:00.000Z",
    datacontenttype: "application/json",
    sequence: "42",
    data: { ...data }
  }
}

const section = (type: EventType) => {
  const { description, frequent, roles } = eventKinds[type]
  const { data, subject } = exampleOf(type)
  return [
    `## \`${type}\``,
    "",
    `${description} Roles: ${roles.join(", ")}.${frequent === true ? " [Frequent](#frequent-types)." : ""}`,
    "",
    "```json",
    JSON.stringify({ type, subject, data }, undefined, 2),
    "```",
    ""
  ]
}

/** `docs/reference/events.md`: every kind of event, from the list that the API and the server share. */
export const eventPage = (): string =>
  [
    "<!-- Written by `npm run generate` from sdk/src/api/eventKinds.ts: change it there. -->",
    "",
    "# Events",
    "",
    "```sh",
    "maxcloud events --follow --type 'deployment.*'",
    "curl 'http://127.0.0.1:8080/api/v1/events?type=deployment.failed&since=24h'",
    "```",
    "",
    "Each event is a [CloudEvent](https://cloudevents.io) (1.0, structured JSON). [The API](../api.md#events) says how to read and follow them. A complete event:",
    "",
    "```json",
    JSON.stringify(exampleOf("deployment.succeeded"), undefined, 2),
    "```",
    "",
    "`sequence` grows by one with each event of the organization. Later versions may add types and members of `data`: ignore those that you don't know. No",
    "event contains a secret's value, a token, an e-mail address, or a program's output.",
    "",
    "| type | what happened |",
    "| --- | --- |",
    ...eventTypes.map((type) => `| [\`${type}\`](#${type.replaceAll(".", "")}) | ${eventKinds[type].description} |`),
    "",
    "## Frequent types",
    "",
    `Services cause these without anybody's action: ${frequentTypes.map((type) => `\`${type}\``).join(", ")}. So:`,
    "",
    "- The server collects what happens to a service for 5 seconds and reports it as one event, with a `count` or `from` and `to`. The next event of the same type and service follows after 30 seconds at the earliest.",
    "- A webhook gets such a type only if its `types` name it in full, such as `service.scaled`. Neither `*` nor `service.*` includes it.",
    "- The server keeps them for 3 days, and the newest 1,000 of each service.",
    "",
    "A crash of the server within those 5 seconds can lose one. Several servers report it once.",
    "",
    ...eventTypes.flatMap(section)
  ].join("\n")
