import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { SecretName } from "@maxcloud/config-schema"
import { Effect, Layer, Option, type Redacted } from "effect"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { passingOnly, transaction } from "../../base/database/sqlErrors.ts"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import type { Audit } from "../../tenancy/audit/Audit.ts"
import { addVersion, addVersions, unsetSecret } from "./addVersions.ts"
import { copyVersions } from "./copyVersions.ts"
import { listSecrets, listVersions, pageOfSecrets, readVersion, secretsAway } from "./readVersions.ts"
import { reseal } from "./resealing.ts"
import { type SecretScope, Secrets, type SecretsError } from "./Secrets.ts"
import { secretVersions } from "./secretRows.ts"

const inTransaction = <A, R>(effect: Effect.Effect<A, SecretsError | SqlError | MasterKeyError, R>) =>
  transaction(effect).pipe(
    passingOnly,
    Effect.mapError((error) => (error._tag === "SecretsError" ? error : secretsAway(error)))
  )

/** Makes an earlier version the newest; none if it isn't stored. */
const rollback = (dataDir: string, scope: SecretScope, name: SecretName, version: number) =>
  Effect.gen(function* () {
    const value = yield* readVersion(dataDir, scope, name, version)
    if (Option.isNone(value)) return Option.none()
    return Option.some(yield* addVersion("apps.rollbackSecret", scope, name, value.value))
  })

/**
 * Secrets in the database, sealed with the data keys of their organizations. `dataDir`: has the key that the first
 * versions sealed with.
 */
export const layer = ({ dataDir }: { readonly dataDir: string }) =>
  Layer.effect(
    Secrets,
    Effect.gen(function* () {
      const context = yield* contextWithoutRows<SqlClient | Audit | DataKeys>()
      yield* reseal(dataDir, secretVersions).pipe(passingOnly, Effect.catchTag("SqlError", secretsAway))

      return {
        set: Effect.fn("Secrets.set")(
          (scope: SecretScope, name: SecretName, value: Redacted.Redacted) =>
            inTransaction(addVersion("apps.setSecret", scope, name, value)),
          Effect.provide(context)
        ),

        importAll: Effect.fn("Secrets.importAll")(
          (
            scope: SecretScope,
            secrets: ReadonlyArray<{ readonly name: SecretName; readonly value: Redacted.Redacted }>
          ) =>
            inTransaction(
              addVersions("apps.importSecrets", scope, new Map(secrets.map((secret) => [secret.name, secret.value])))
            ),
          Effect.provide(context)
        ),

        copy: Effect.fn("Secrets.copy")(
          (from: SecretScope, to: SecretScope, names: ReadonlyArray<SecretName>) =>
            inTransaction(copyVersions(dataDir, from, to, names)),
          Effect.provide(context)
        ),

        unset: Effect.fn("Secrets.unset")(
          (scope: SecretScope, name: SecretName) => inTransaction(unsetSecret(scope, name)),
          Effect.provide(context)
        ),

        rollback: Effect.fn("Secrets.rollback")(
          (scope: SecretScope, name: SecretName, version: number) =>
            inTransaction(rollback(dataDir, scope, name, version)),
          Effect.provide(context)
        ),

        list: Effect.fn("Secrets.list")((scope: SecretScope) =>
          listSecrets(scope).pipe(passingOnly, Effect.mapError(secretsAway), Effect.provide(context))
        ),

        page: Effect.fn("Secrets.page")((scope: SecretScope, paging: Parameters<typeof pageOfSecrets>[1]) =>
          pageOfSecrets(scope, paging).pipe(
            passingOnly,
            Effect.catchTag("SqlError", (cause) => Effect.fail(secretsAway(cause))),
            Effect.provide(context)
          )
        ),

        versions: Effect.fn("Secrets.versions")((scope: SecretScope, name: SecretName) =>
          listVersions(scope, name).pipe(passingOnly, Effect.mapError(secretsAway), Effect.provide(context))
        ),

        reveal: Effect.fn("Secrets.reveal")((scope: SecretScope, name: SecretName, version: number) =>
          readVersion(dataDir, scope, name, version).pipe(
            passingOnly,
            Effect.catchTag("SqlError", secretsAway),
            Effect.provide(context)
          )
        )
      }
    })
  )
