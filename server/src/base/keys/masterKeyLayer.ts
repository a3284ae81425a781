import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer, Redacted } from "effect"
import { asServer } from "../database/RowScope.ts"
import { databaseWords } from "../postgres/DatabaseError.ts"
import type { KeySettings } from "../settings/keySettings.ts"
import { settings } from "../settings/ServerConfig.ts"
import { forgetVariables } from "../settings/setting.ts"
import { heldKey, masterKeyOf, withFormer } from "./heldKey.ts"
import { MasterKey, MasterKeyError } from "./MasterKey.ts"
import { dataFolderKey, existingDataFolderKey, keyFile } from "./masterKeyFile.ts"
import { vaultMasterKey } from "./masterKeyVault.ts"

export interface MasterKeyOptions extends Partial<KeySettings> {
  /** Its `secret.key` is the master key if no other is named, and a former one otherwise. */
  readonly dataDir: string
}

/** Does the database contain anything that a new master key couldn't open? */
const isAnythingSealed = Effect.gen(function* () {
  const sql = yield* SqlClient
  const rows = yield* sql<{ sealed: boolean }>`
    select exists (select 1 from organization_keys) or exists (select 1 from person_keys)
      or exists (select 1 from server_keys) or exists (select 1 from secret_versions)
      or exists (select 1 from registry_credentials) as sealed`.pipe(asServer)
  return rows[0]?.sealed !== false
}).pipe(
  Effect.mapError(
    (cause) =>
      new MasterKeyError({
        reason: "unreachable",
        message: `The secrets are unreachable. ${databaseWords(cause)}`,
        cause
      })
  )
)

const present = <R>(
  { dataDir, masterKey, masterKeyFile, ...vault }: MasterKeyOptions,
  mayMake: Effect.Effect<boolean, MasterKeyError, R>
) =>
  Effect.gen(function* () {
    const named = [
      ...(masterKey === undefined ? [] : ["MAXCLOUD_MASTER_KEY"]),
      ...(masterKeyFile === undefined ? [] : ["MAXCLOUD_MASTER_KEY_FILE"]),
      ...(vault.vaultAddress === undefined ? [] : ["MAXCLOUD_VAULT_ADDR"])
    ]
    if (named.length > 1) {
      return yield* new MasterKeyError({
        reason: "wrong",
        message: `Several master keys are set: ${named.join(" and ")}. Keep the present one, and name the former one in MAXCLOUD_MASTER_KEYS_FORMER.`
      })
    }
    if (masterKey !== undefined) {
      return masterKeyOf(heldKey("the key in MAXCLOUD_MASTER_KEY", Redacted.value(masterKey)))
    }
    if (masterKeyFile !== undefined) return masterKeyOf(yield* keyFile(masterKeyFile))
    if (vault.vaultAddress !== undefined) return yield* vaultMasterKey({ ...vault, vaultAddress: vault.vaultAddress })
    return masterKeyOf(yield* dataFolderKey(dataDir, yield* mayMake))
  })

const make = <R>(options: MasterKeyOptions, mayMake: Effect.Effect<boolean, MasterKeyError, R>) =>
  Effect.gen(function* () {
    yield* forgetVariables(settings)
    const key = yield* present(options, mayMake)
    const folder = yield* existingDataFolderKey(options.dataDir)
    const former = (options.formerMasterKeys ?? []).map((value) =>
      heldKey("a key in MAXCLOUD_MASTER_KEYS_FORMER", Redacted.value(value))
    )
    return withFormer(key, [...former, ...(folder === undefined ? [] : [folder])].map(masterKeyOf))
  })

/** The master key in the settings, and the former ones. */
export const layer = (options: MasterKeyOptions): Layer.Layer<MasterKey, MasterKeyError, SqlClient> =>
  Layer.effect(
    MasterKey,
    make(
      options,
      Effect.map(isAnythingSealed, (found) => !found)
    )
  )

/** The same without a database. Creates no key. */
export const layerExisting = (options: MasterKeyOptions): Layer.Layer<MasterKey, MasterKeyError> =>
  Layer.effect(MasterKey, make(options, Effect.succeed(false)))
