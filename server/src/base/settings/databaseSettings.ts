import { Schema } from "effect"
import { form, seconds, whole } from "./forms.ts"
import { setting } from "./setting.ts"

/** At least a week, so that people who are away for some days still find what was deployed meanwhile. */
const days = form(
  Schema.transform(
    Schema.Union(Schema.Literal("forever", "0"), Schema.NumberFromString.pipe(Schema.int(), Schema.between(7, 36_500))),
    Schema.UndefinedOr(Schema.Number),
    {
      strict: true,
      decode: (value) => (typeof value === "number" ? value : undefined),
      encode: (value) => value ?? ("forever" as const)
    }
  ),
  'days, a whole number from 7 on, or "forever"'
)

/** How many database connections a server uses, and how long it keeps data that nothing needs. */
export const databaseSettings = {
  /** Maximum number of connections, besides the one that waits for wake-ups. */
  databasePool: setting("MAXCLOUD_DATABASE_POOL", whole(2, 1_000, "connections, a whole number from 2 to 1000"), {
    default: "12",
    text: "Maximum number of connections to the database per server, plus one for LISTEN. The embedded database has 30 in all."
  }),
  statementTimeout: setting("MAXCLOUD_STATEMENT_TIMEOUT", seconds(1, 3_600), {
    default: "30",
    text: "Statement timeout in seconds; after that, the request gets 503."
  }),
  /** Days to keep finished deployments that nothing needs; undefined: forever. */
  deploymentRetention: setting("MAXCLOUD_DEPLOYMENT_RETENTION", days, {
    default: "365",
    text: "Days to keep finished deployments, with their events and source snapshots, or `forever`. Deployments in use and the newest 20 of each app and stage are always kept."
  }),
  eventRetention: setting("MAXCLOUD_EVENT_RETENTION", whole(7, 3_650, "days, a whole number from 7 to 3650"), {
    default: "30",
    text: "Days to keep an organization's events, for readers and for webhooks."
  })
}
