import { setTimeout as sleep } from "node:timers/promises"
import type { KeptTime } from "./KeptTime.ts"
import { type LokiClient, LokiError } from "./LokiClient.ts"
import { timeOfNanos } from "./nanoseconds.ts"
import { newestEntry } from "./readLines.ts"

/**
 * Requests a deletion, if there's something to delete that no pending one covers, and waits until Loki returns nothing
 * of it.
 */
const erase = async (
  client: LokiClient,
  kept: KeptTime,
  tenant: string,
  query: string,
  deletionMs: number
): Promise<void> => {
  const until = performance.now() + deletionMs
  let wait = 200
  for (;;) {
    const last = await newestEntry(client, kept, tenant, query)
    if (last === undefined) return
    const lastMillis = Number(last.nanos / 1_000_000n)
    const ordered = (await client.deletes(tenant)).some(
      // It may store a query with different white space.
      (each) => each.query.replace(/\s/g, "") === query && each.end > lastMillis && each.status !== "processed"
    )
    // Loki doesn't accept deletions in the future.
    if (!ordered && lastMillis + 1000 < Date.now()) await client.delete(tenant, query, Date.now() - 1)
    if (performance.now() > until) {
      throw new LokiError("away", `it still returns lines that should be deleted, as of ${timeOfNanos(last.nanos)}`)
    }
    await sleep(wait)
    wait = Math.min(5000, wait * 2)
  }
}

/** Like `erase`; if Loki isn't set up to delete, says how to set it up. */
export const eraseLines = async (...args: Parameters<typeof erase>): Promise<void> => {
  try {
    await erase(...args)
  } catch (cause) {
    if (!(cause instanceof LokiError) || cause.reason === "away") throw cause
    throw new LokiError(
      cause.reason,
      `it deletes nothing (${cause.message}). Set compactor.retention_enabled and compactor.delete_request_store there, and limits_config.deletion_mode to filter-and-delete. Until then the deletion completes when Loki's own retention has removed the lines`
    )
  }
}
