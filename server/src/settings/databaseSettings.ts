import { Config, Duration, Schema } from "effect"
import { from, type Settings } from "./setting.ts"

/** How much of the database a server takes. */
export interface DatabaseSettings {
  /** Connections at most, besides the one that waits for wake-ups. */
  readonly databasePool: number
  readonly statementTimeout: Duration.Duration
}

const Connections = Schema.NumberFromString.pipe(Schema.int(), Schema.between(2, 1_000))
const Seconds = Schema.NumberFromString.pipe(Schema.between(1, 3_600))

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
  }
}

export const databaseConfig = Config.all({
  databasePool: databaseSettings.databasePool.config,
  statementTimeout: databaseSettings.statementTimeout.config
})
