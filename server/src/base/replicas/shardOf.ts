import { createHash } from "node:crypto"
import type { SqlClient } from "@effect/sql/SqlClient"

/**
 * The number of shards: more than there'll ever be replicas. Never change it, because replicas of two versions must
 * agree.
 */
export const shardCount = 64

/** The shard of an organization. `shardOfSql` computes the same in the database. */
export const shardOf = (organizationId: string): number =>
  createHash("md5").update(organizationId).digest().readUInt32BE(0) % shardCount

/** `shardOf` of a column. */
export const shardOfSql = (sql: SqlClient, column: string) =>
  sql`(('x' || substr(md5(${sql(column)}), 1, 8))::bit(32)::bigint % ${sql.literal(String(shardCount))})`
