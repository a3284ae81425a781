import { Layer } from "effect"
import * as masterKey from "./masterKeyLayer.ts"
import * as PostgresDataKeys from "./PostgresDataKeys.ts"

/** Data keys in the database, wrapped by the master key in the settings; and that key. */
export const layer = (options: masterKey.MasterKeyOptions) =>
  Layer.provideMerge(PostgresDataKeys.layer, masterKey.layer(options))
