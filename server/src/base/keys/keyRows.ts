import type { SqlClient } from "@effect/sql/SqlClient"
import { Schema } from "effect"
import type { KeyOwner } from "./DataKeys.ts"

/** The owner of a key row. The server has one key for each purpose. */
export type KeyHolder =
  | Exclude<KeyOwner, { readonly type: "server" }>
  | { readonly type: "server"; readonly id: "sealing" | "signing" | "registry" }

export const holderOf = (owner: KeyOwner): KeyHolder =>
  owner.type === "server" ? { type: "server", id: "sealing" } : owner

export const nameOf = ({ id, type }: KeyHolder) => `${type}/${id}`

/** The context to which the master key binds a wrapped data key. */
export const contextOf = (holder: string, keyId: string) => `maxcloud/${holder}/${keyId}`

export interface KeyTable {
  readonly type: KeyHolder["type"]
  readonly table: "organization_keys" | "person_keys" | "server_keys"
  /** The column with the owner. */
  readonly owner: "organization_id" | "person_id" | "purpose"
}

export const keyTables: ReadonlyArray<KeyTable> = [
  { type: "organization", table: "organization_keys", owner: "organization_id" },
  { type: "person", table: "person_keys", owner: "person_id" },
  { type: "server", table: "server_keys", owner: "purpose" }
]

const [organization, person, server] = keyTables

export const tableOf = ({ type }: KeyHolder): KeyTable => {
  const table = [organization, person, server].find((each) => each?.type === type)
  if (table === undefined) throw new Error(`no table of keys for ${type}`)
  return table
}

export const KeyRow = Schema.Struct({
  id: Schema.String,
  owner: Schema.String,
  master_key_id: Schema.String,
  wrapped: Schema.Uint8ArrayFromSelf
})
export type KeyRow = typeof KeyRow.Type

export const decodeKeyRows = Schema.decodeUnknownSync(Schema.Array(KeyRow))

/** The columns of a `KeyRow`. */
export const columns = (sql: SqlClient, { owner }: KeyTable) => sql`id, ${sql(owner)} as owner, master_key_id, wrapped`
