import { Schema } from "effect"
import type { HistoryKey, HistoryQuery } from "../LogHistory.ts"
import { compareLines, type LogLine, sameLine } from "../LogLine.ts"
import { type KeptTime, nanosOfMillis } from "./KeptTime.ts"
import { type Entry, type LokiClient, LokiError } from "./LokiClient.ts"
import { linesQuery } from "./logql.ts"
import { later, nanosOf, timeOfNanos } from "./nanoseconds.ts"
import { type Paging, pages } from "./readLoki.ts"

/** The first window of a backwards search, which usually ends soon: six hours. */
const firstWindow = nanosOfMillis(6 * 3_600_000)

const decodeMetadata = Schema.decodeUnknownOption(
  Schema.Struct({
    uid: Schema.String,
    n: Schema.NumberFromString.pipe(Schema.int(), Schema.nonNegative()),
    // Loki drops an empty value.
    instance: Schema.optionalWith(Schema.String, { default: () => "" }),
    revision: Schema.optionalWith(Schema.String, { default: () => "" }),
    truncated: Schema.optional(Schema.String)
  })
)

/** Skips entries of other programs that push with the same labels. */
const lineOf = (key: HistoryKey, { labels, nanos, text }: Entry): ReadonlyArray<LogLine> => {
  const { organization, namespace, service } = labels
  if (organization !== key.organizationId || namespace !== key.namespace || service !== key.service) {
    throw new LokiError("elsewhere", "it answers with lines of a service other than the requested one")
  }
  const metadata = decodeMetadata(labels)
  if (metadata._tag === "None") return []
  const { instance, n, revision, truncated, uid } = metadata.value
  return [{ t: timeOfNanos(nanos), n, uid, instance, revision, line: text, truncated: truncated === "true" }]
}

const sortedOnce = (lines: Array<LogLine>): Array<LogLine> =>
  lines.sort(compareLines).filter((line, i, all) => {
    const previous = all[i - 1]
    return previous === undefined || !sameLine(previous, line)
  })

const pagesOf = (client: LokiClient, key: HistoryKey, revision: string | undefined, paging: Paging) => {
  const tenant = client.tenantOf(key.organizationId)
  return pages((range, n) => client.query(tenant, linesQuery(key, { revision, n }), range), paging)
}

const rangeSince = async (client: LokiClient, kept: KeptTime, key: HistoryKey, since: string | undefined) => {
  const { end, start } = await kept.range(client.tenantOf(key.organizationId))
  return { start: later(since === undefined ? start : nanosOf(since), start), end }
}

export const readForward = async function* (
  client: LokiClient,
  kept: KeptTime,
  key: HistoryKey,
  { revision, since }: HistoryQuery
) {
  const range = await rangeSince(client, kept, key, since)
  for await (const entries of pagesOf(client, key, revision, { ...range, direction: "forward" })) {
    const lines = sortedOnce(entries.flatMap((entry) => lineOf(key, entry)))
    if (lines.length > 0) yield lines
  }
}

export const readTail = async (
  client: LokiClient,
  kept: KeptTime,
  key: HistoryKey,
  { revision, since }: HistoryQuery,
  tail: number
): Promise<ReadonlyArray<LogLine>> => {
  const range = await rangeSince(client, kept, key, since)
  let found: Array<LogLine> = []
  if (tail === 0) return found
  const paging: Paging = {
    ...range,
    direction: "backward",
    firstWindow,
    pageEntries: Math.min(1000, Math.max(100, tail + 1))
  }
  for await (const entries of pagesOf(client, key, revision, paging)) {
    found = [...sortedOnce(entries.flatMap((entry) => lineOf(key, entry))), ...found]
    if (found.length >= tail) break
  }
  return found.slice(-tail)
}

/** The last entry that a query returns at all. */
export const newestEntry = async (
  client: LokiClient,
  kept: KeptTime,
  tenant: string,
  query: string
): Promise<Entry | undefined> => {
  const ask = (range: Parameters<typeof client.query>[2]) => client.query(tenant, query, { ...range, limit: 1 })
  const paging: Paging = {
    ...(await kept.range(tenant)),
    direction: "backward",
    firstWindow,
    // More than needed: no page is full, and the first one with an entry ends it.
    pageEntries: 1000
  }
  for await (const [entry] of pages(ask, paging)) return entry
  return undefined
}
