import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Either, Layer, Logger, Schema } from "effect"
import * as besideServer from "../database/besideServer.ts"
import * as Database from "../database/Database.ts"
import { asServer } from "../database/RowScope.ts"
import { type InvalidSetting, readSettings, type ServerSettings } from "../settings/ServerConfig.ts"
import { DataKeys } from "./DataKeys.ts"
import { databaseAway } from "./holderKeys.ts"
import { layer as keys } from "./layer.ts"
import type { MasterKeyError } from "./MasterKey.ts"

export interface RotatedKeys {
  /** Data keys that another master key had wrapped, and that the present one wraps now. */
  readonly rewrapped: number
  /** Organizations with a new data key. */
  readonly renewed: number
}

export interface RotateKeysOptions extends Partial<ServerSettings> {
  /**
   * Also create a new data key for every organization, which seals from now on. The former ones still open. @default
   * false
   */
  readonly renew?: boolean | undefined
}

export type RotateKeysResult =
  | { readonly ok: true; readonly value: RotatedKeys }
  | { readonly ok: false; readonly reason: "setting" | "database" | "key"; readonly message: string }

const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: OrganizationId })))

/** Wraps all data keys with the present master key. The data keys stay the same, so servers can keep running. */
const rotate = (renew: boolean) =>
  Effect.gen(function* () {
    const dataKeys = yield* DataKeys
    const sql = yield* SqlClient
    const rewrapped = yield* dataKeys.rewrap
    if (!renew) return { rewrapped, renewed: 0 }
    const rows = yield* sql`select distinct organization_id as id from organization_keys`.pipe(
      asServer,
      Effect.mapError(databaseAway)
    )
    const organizations = decodeIds(rows)
    yield* Effect.forEach(organizations, ({ id }) => dataKeys.renew(id), { discard: true })
    return { rewrapped, renewed: organizations.length }
  })

/** The database of the settings. For a data folder in use, the one that its server has started. */
const database = ({ databaseUrl, dataDir, migrationDatabaseUrl }: ServerSettings) =>
  Database.layer({ dataDir, url: databaseUrl, migrationUrl: migrationDatabaseUrl }).pipe(
    Layer.catchAll((error) => (error.reason === "locked" ? besideServer.layer(dataDir) : Layer.fail(error)))
  )

const reasonOf = (error: InvalidSetting | Database.DatabaseError | MasterKeyError) =>
  error._tag === "InvalidSetting" ? "setting" : error._tag === "DatabaseError" ? "database" : "key"

/** `maxcloud server rotate-keys` with the server's settings. `options` take precedence. */
export const rotateKeys = async ({ renew = false, ...options }: RotateKeysOptions): Promise<RotateKeysResult> =>
  Either.match(
    await readSettings(options).pipe(
      Effect.flatMap((settings) =>
        Effect.provide(rotate(renew), keys(settings).pipe(Layer.provideMerge(database(settings))))
      ),
      Effect.provide(Logger.remove(Logger.defaultLogger)),
      Effect.either,
      Effect.runPromise
    ),
    {
      onLeft: (error) => ({ ok: false, reason: reasonOf(error), message: error.message }),
      onRight: (value) => ({ ok: true, value })
    }
  )
