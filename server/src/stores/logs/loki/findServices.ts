import type { OrganizationId } from "@maxcloud/sdk/api"
import type { HistoryKey } from "../LogHistory.ts"
import { serviceFolder } from "../serviceFolder.ts"
import { type KeptTime, nanosOfMillis } from "./KeptTime.ts"
import type { LokiClient } from "./LokiClient.ts"
import { lineLabels, linesOfOrganization, selector } from "./logql.ts"
import { earlier } from "./nanoseconds.ts"
import { newestEntry } from "./readLines.ts"

const month = nanosOfMillis(30 * 86_400_000)

/** Services of an organization with lines, sorted. */
export const findServices = async (
  client: LokiClient,
  kept: KeptTime,
  organizationId: OrganizationId
): Promise<ReadonlyArray<HistoryKey>> => {
  const tenant = client.tenantOf(organizationId)
  const { end, start } = await kept.range(tenant)
  const found = new Map<string, HistoryKey>()
  const match = linesOfOrganization(organizationId)
  for (let from = start; from < end; from += month) {
    const range = { start: from, end: earlier(from + month, end) }
    for (const { namespace, organization, service } of await client.series(tenant, match, range)) {
      if (namespace === undefined || service === undefined || organization !== organizationId) continue
      const key = { organizationId, namespace, service }
      found.set(serviceFolder(key), key)
    }
  }
  const services: Array<HistoryKey> = []
  // Streams are known for longer than they have lines.
  for (const [, key] of [...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if ((await newestEntry(client, kept, tenant, selector(lineLabels(key)))) !== undefined) services.push(key)
  }
  return services
}
