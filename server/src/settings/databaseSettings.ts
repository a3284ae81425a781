import { Config, Duration, Schema } from "effect"
import { from, type Settings } from "./setting.ts"

/** How much of the database a server takes, and how long it keeps what it could do without. */
export interface DatabaseSettings {
  /** Connections at most, besides the one that waits for wake-ups. */
  readonly databasePool: number
  readonly statementTimeout: Duration.Duration
  /** Days after their end that deployments are kept which nothing needs; undefined: for ever. */
  readonly deploymentRetention: number | undefined
}

const Connections = Schema.NumberFromString.pipe(Schema.int(), Schema.between(2, 1_000))
const Seconds = Schema.NumberFromString.pipe(Schema.between(1, 3_600))

/** A week at least: for as long an idempotency key gives its deployment again. */
const Days = Schema.transform(
  Schema.Union(Schema.Literal("forever", "0"), Schema.NumberFromString.pipe(Schema.int(), Schema.between(7, 36_500))),
  Schema.UndefinedOr(Schema.Number),
  {
    strict: true,
    decode: (_) => (typeof _ === "number" ? _ : undefined),
    encode: (_) => _ ?? ("forever" as const)
  }
)

export const databaseSettings: Settings<DatabaseSettings> = {
  databasePool: {
    name: "MAXCLOUD_DATABASE_POOL",
    config: from("MAXCLOUD_DATABASE_POOL", Connections, "connections, a whole number from 2 to 1000").pipe(
      Config.withDefault(12)
    ),
    default: "12",
    description:
      "How many connections to the database a server has at most, besides one that waits for wake-ups. The embedded database has 30 in all."
  },
  statementTimeout: {
    name: "MAXCLOUD_STATEMENT_TIMEOUT",
    config: from("MAXCLOUD_STATEMENT_TIMEOUT", Seconds, "seconds, from 1 to 3600").pipe(
      Config.map((_) => Duration.seconds(_)),
      Config.withDefault(Duration.seconds(30))
    ),
    default: "30",
    description: "After how many seconds the database gives up a statement; the request is then answered with 503."
  },
  deploymentRetention: {
    name: "MAXCLOUD_DEPLOYMENT_RETENTION",
    config: from("MAXCLOUD_DEPLOYMENT_RETENTION", Days, 'days, a whole number from 7 on, or "forever"').pipe(
      Config.withDefault(365)
    ),
    default: "365",
    description:
      "Days after their end that deployments are kept, with their events and source snapshots, or `forever`. What is in force is kept, and the newest 20 of each app and stage."
  }
}

export const databaseConfig = Config.all({
  databasePool: databaseSettings.databasePool.config,
  statementTimeout: databaseSettings.statementTimeout.config,
  deploymentRetention: databaseSettings.deploymentRetention.config
})
