import { setTimeout as sleep } from "node:timers/promises"
import type { KeptTime } from "./KeptTime.ts"
import { type LokiClient, LokiError } from "./LokiClient.ts"
import { timeOfNanos } from "./nanoseconds.ts"
import { newestEntry } from "./readLines.ts"

/** Orders a deletion, if there is something and none is under way that has it, and waits until Loki gives out nothing of it. */
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
      // It may write a query down with other white space.
      (each) => each.query.replace(/\s/g, "") === query && each.end > lastMillis && each.status !== "processed"
    )
    // Loki takes no deletion of what is still to come.
    if (!ordered && lastMillis + 1000 < Date.now()) await client.delete(tenant, query, Date.now() - 1)
    if (performance.now() > until) {
      throw new LokiError("away", `it still gives out lines that were to be deleted, as of ${timeOfNanos(last.nanos)}`)
    }
    await sleep(wait)
    wait = Math.min(5000, wait * 2)
  }
}

/** As `erase`; where Loki is not set up to delete, says how to set it up. */
export const eraseLines = async (...args: Parameters<typeof erase>): Promise<void> => {
  try {
    await erase(...args)
  } catch (cause) {
    if (!(cause instanceof LokiError) || cause.reason === "away") throw cause
    throw new LokiError(
      cause.reason,
      `it deletes nothing (${cause.message}). Set compactor.retention_enabled and compactor.delete_request_store there, and limits_config.deletion_mode to filter-and-delete; until then it is done when Loki's own retention has taken the lines`
    )
  }
}
