import { randomBytes } from "node:crypto"
import { Layer } from "effect"
import { heldKey, masterKeyOf } from "../../src/base/keys/heldKey.ts"
import { MasterKey } from "../../src/base/keys/MasterKey.ts"
import * as PostgresDataKeys from "../../src/base/keys/PostgresDataKeys.ts"

/** Data keys under a throwaway master key. */
export const layerTest = Layer.provide(
  PostgresDataKeys.layer,
  Layer.sync(MasterKey, () => masterKeyOf(heldKey("the key of this test", randomBytes(32))))
)
