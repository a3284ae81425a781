import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { Effect, Either, Layer, Logger } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { errorText } from "../../base/host/systemFault.ts"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import { layerExisting } from "../../base/keys/masterKeyLayer.ts"
import * as PostgresDataKeys from "../../base/keys/PostgresDataKeys.ts"
import type { DatabaseError } from "../../base/postgres/DatabaseError.ts"
import { type InvalidSetting, readSettings, type ServerSettings } from "../../base/settings/ServerConfig.ts"
import type { Audit } from "../../tenancy/audit/Audit.ts"
import * as PostgresAudit from "../../tenancy/audit/PostgresAudit.ts"
import type { OperatorError } from "./OperatorError.ts"
import type { OperatorFailure, OperatorResult } from "./OperatorResult.ts"
import * as operatorDatabase from "./operatorDatabase.ts"

export type Failed = InvalidSetting | DatabaseError | MasterKeyError | OperatorError | SqlError

export const failureOf = (error: Failed): OperatorFailure => {
  switch (error._tag) {
    case "InvalidSetting":
      return { ok: false, reason: "setting", message: error.message }
    case "DatabaseError":
      return { ok: false, reason: "database", message: error.message }
    case "MasterKeyError":
      return { ok: false, reason: "key", message: error.message }
    case "SqlError": {
      const why = errorText(error.cause, "the database").replace(/\.$/, "")
      return {
        ok: false,
        reason: "database",
        message: `Lost the connection to the database: ${why}. Nothing has changed.`
      }
    }
    case "OperatorError": {
      const { message, organizations, reason } = error
      return { ok: false, reason, message, ...(organizations === undefined ? {} : { organizations }) }
    }
  }
}

/** The base of operators' commands: a server's database, its keys, and its audit log. */
export const operatorLayer = (settings: ServerSettings) =>
  // Don't sign meanwhile: servers sign regularly, and an export signs itself.
  PostgresAudit.layer({ checkpointsEvery: "1 day" }).pipe(
    Layer.provideMerge(Layer.provide(PostgresDataKeys.layer, layerExisting(settings))),
    Layer.provideMerge(operatorDatabase.layer(settings))
  )

/** Runs an operator's command with the settings of the environment. `options` take precedence. */
const runOn = async <A, R>(
  options: Partial<ServerSettings>,
  layer: (settings: ServerSettings) => Layer.Layer<R, Failed>,
  effect: (settings: ServerSettings) => Effect.Effect<A, Failed, R>
): Promise<OperatorResult<A>> =>
  Either.match(
    await readSettings(options).pipe(
      Effect.flatMap((settings) => Effect.provide(asServer(effect(settings)), layer(settings))),
      Effect.provide(Logger.remove(Logger.defaultLogger)),
      Effect.either,
      Effect.runPromise
    ),
    { onLeft: failureOf, onRight: (value): OperatorResult<A> => ({ ok: true, value }) }
  )

export const runOperator = <A>(
  options: Partial<ServerSettings>,
  effect: (settings: ServerSettings) => Effect.Effect<A, Failed, Audit | DataKeys | SqlClient>
): Promise<OperatorResult<A>> => runOn(options, operatorLayer, effect)

/** For a command that needs no master key and writes no audit log. */
export const runOnDatabase = <A>(
  options: Partial<ServerSettings>,
  effect: (settings: ServerSettings) => Effect.Effect<A, Failed, SqlClient>
): Promise<OperatorResult<A>> => runOn(options, operatorDatabase.layer, effect)
