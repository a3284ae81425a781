import { Schema } from "effect"
import { form, seconds, whole } from "./forms.ts"
import { setting } from "./setting.ts"

/** A week at least, so that whoever is away for some days finds what was deployed meanwhile. */
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

/** How much of the database a server takes, and how long it keeps what it could do without. */
export const databaseSettings = {
  /** Connections at most, besides the one that waits for wake-ups. */
  databasePool: setting("MAXCLOUD_DATABASE_POOL", whole(2, 1_000, "connections, a whole number from 2 to 1000"), {
    default: "12",
    text: "How many connections to the database a server has at most, besides one that waits for wake-ups. The embedded database has 30 in all."
  }),
  statementTimeout: setting("MAXCLOUD_STATEMENT_TIMEOUT", seconds(1, 3_600), {
    default: "30",
    text: "After how many seconds the database gives up a statement; the request is then answered with 503."
  }),
  /** Days after their end that deployments are kept which nothing needs; undefined: for ever. */
  deploymentRetention: setting("MAXCLOUD_DEPLOYMENT_RETENTION", days, {
    default: "365",
    text: "Days after their end that deployments are kept, with their events and source snapshots, or `forever`. What is in force is kept, and the newest 20 of each app and stage."
  }),
  eventRetention: setting("MAXCLOUD_EVENT_RETENTION", whole(7, 3_650, "days, a whole number from 7 to 3650"), {
    default: "30",
    text: "Days for which an organization's events are kept, for whoever reads them and for webhooks."
  })
}
