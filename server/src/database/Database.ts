import type { SqlClient } from "@effect/sql/SqlClient"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Context, Data, type Effect, type Layer, type Redacted } from "effect"

/** The database cannot be used: `message` says why and what to do. */
export class DatabaseError extends Data.TaggedError("DatabaseError")<{
  readonly reason: "locked" | "permission" | "diskFull" | "unreachable" | "migration" | "failed"
  readonly message: string
  readonly cause?: unknown
}> {}

export interface DatabaseOptions {
  /** Folder for the embedded Postgres (in `postgres/`), used where `url` is absent. */
  readonly dataDir: string
  /** A Postgres to use instead: the server's own role. */
  readonly url?: Redacted.Redacted | undefined
  /** The role that owns the tables and runs migrations. @default `url` */
  readonly migrationUrl?: Redacted.Redacted | undefined
}

/** The database behind `SqlClient`: migrated, and in use by this server. */
export class Database extends Context.Tag("@maxcloud/server/Database")<
  Database,
  {
    readonly embedded: boolean
    /** Fails where the database does not answer. */
    readonly ping: Effect.Effect<void, DatabaseError>
  }
>() {}

export type DatabaseLayer = (options: DatabaseOptions) => Layer.Layer<Database | SqlClient | PgClient, DatabaseError>
