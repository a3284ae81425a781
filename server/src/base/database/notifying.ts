import type { SqlClient } from "@effect/sql/SqlClient"

/** The channel of all wake-ups. */
export const channel = "maxcloud"

/**
 * `work`: the queue has new work. `mail`: the outbox has. `erasure`: something must be erased. `deployment <id>`: it has
 * new events. `events <organization>`: it has new ones, without a number yet. `numbered <organization>`: they can be
 * read. `webhooks`: something must be delivered. `shards`: some were freed. `reconnected`: we may have missed any of these.
 */
export type Notification =
  | "work"
  | "webhooks"
  | "mail"
  | "shards"
  | "erasure"
  | "reconnected"
  | `deployment ${string}`
  | `events ${string}`
  | `numbered ${string}`

/** What to send after leases were freed. */
export const leasedWords = ["shards", "work", "mail", "webhooks"] as const satisfies ReadonlyArray<Notification>

/** Sends a wake-up, as an expression of a statement: `select ${notifying(sql, "work")}`. In a transaction it's sent on commit. */
export const notifying = (sql: SqlClient, notification: Notification) => sql`pg_notify(${channel}, ${notification})`
