/** A table whose rows servers lease (`lease_until`, `lease_holder`), and what else changes when a lease is freed. */
interface LeasedTable {
  readonly table: string
  readonly free: string
}

/** All of them: a test compares this list with the schema. */
export const leasedTables: ReadonlyArray<LeasedTable> = [
  { table: "work_items", free: "lease_token = null, lease_until = null, available_at = clock_timestamp()" },
  { table: "keyed_requests", free: "lease_until = null" },
  { table: "mail_outbox", free: "lease_until = null" },
  { table: "webhook_deliveries", free: "lease_until = null" },
  { table: "shards", free: "replica = null, lease_until = '-infinity'" }
]

/** Servers announce themselves here without a lease. */
export const announcing = "replicas"

const freeing = (whose: string) => [
  `delete from ${announcing} where ${whose}`,
  ...leasedTables.map(
    ({ free, table }) => `update ${table} set ${free}, lease_holder = null where lease_until is not null and ${whose}`
  )
]

/** Frees the leases of the holder in `$1`. */
export const freeOneHolders: ReadonlyArray<string> = freeing("lease_holder = $1")

/** Frees every lease: no other server can be alive. */
export const freeAll: ReadonlyArray<string> = [...freeing("true"), "delete from lease_holders"]
