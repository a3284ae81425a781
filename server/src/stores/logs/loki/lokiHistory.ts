import { setTimeout as sleep } from "node:timers/promises"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema, Stream } from "effect"
import { type HistoryKey, LogHistory, LogHistoryError } from "../LogHistory.ts"
import { compareLines, type LinePosition, type LogLine, sameLine, timeOf } from "../LogLine.ts"
import { serviceFolder } from "../serviceFolder.ts"
import { type Entry, LokiClient, LokiError, type LokiOptions } from "./LokiClient.ts"
import {
  allOfOrganization,
  allOfService,
  lineLabels,
  linesOfOrganization,
  linesQuery,
  positionLabels,
  selector
} from "./logql.ts"
import { earlier, later, nanosOf, timeOfNanos } from "./nanoseconds.ts"
import { positionsOf, positionValues } from "./positions.ts"
import { batchesOf, deliver } from "./pushLines.ts"
import { type Paging, pages } from "./readLoki.ts"

export interface LokiHistoryOptions {
  readonly loki: LokiOptions
  /** How many days back lines are looked for where Loki does not tell how long it keeps them. @default 14 */
  readonly days?: number | undefined
  /** How long a deletion may take until Loki gives out nothing any more, in milliseconds. @default 6 minutes: it may know of it after 5 */
  readonly deletionMs?: number | undefined
}

const millisOfDay = 86_400_000
/** Clocks of nodes may be ahead, by so much as Loki takes. */
const aheadMillis = 3_600_000
const limitsForMs = 600_000
const nanosOfMillis = (millis: number) => BigInt(Math.max(0, Math.trunc(millis))) * 1_000_000n

const decodeMetadata = Schema.decodeUnknownOption(
  Schema.Struct({
    uid: Schema.String,
    n: Schema.NumberFromString.pipe(Schema.int(), Schema.nonNegative()),
    // An empty value is not kept.
    instance: Schema.optionalWith(Schema.String, { default: () => "" }),
    revision: Schema.optionalWith(Schema.String, { default: () => "" }),
    truncated: Schema.optional(Schema.String)
  })
)

/** An entry of somebody else, who pushes with the same labels, is no line. */
const lineOf = (key: HistoryKey, { labels, nanos, text }: Entry): ReadonlyArray<LogLine> => {
  const { organization, namespace, service } = labels
  if (organization !== key.organizationId || namespace !== key.namespace || service !== key.service) {
    throw new LokiError("elsewhere", "it answers with lines of another service than that which was asked for")
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

const make = (client: LokiClient, { days = 14, deletionMs = 360_000 }: LokiHistoryOptions) => {
  const tenantOf = (key: { readonly organizationId: OrganizationId }) => client.tenantOf(key.organizationId)
  const attempt = <A>(doing: string, run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: failed(doing) })
  const failed = (doing: string) => (cause: unknown) =>
    new LogHistoryError({
      message: `Kept log lines cannot be ${doing} (${client.place}): ${cause instanceof Error ? cause.message : "no reason given"}`,
      cause
    })

  const kept = new Map<string, { readonly millis: number; readonly asked: number }>()
  /** How far back there are lines, in milliseconds. */
  const keptMillis = async (tenant: string): Promise<number> => {
    const known = kept.get(tenant)
    if (known !== undefined && performance.now() - known.asked < limitsForMs) return known.millis
    const told = await client.retention(tenant).catch(() => undefined)
    const millis = told ?? days * millisOfDay
    kept.set(tenant, { millis, asked: performance.now() })
    return millis
  }
  const wholeRange = async (tenant: string) => ({
    start: nanosOfMillis(Date.now() - (await keptMillis(tenant))),
    end: nanosOfMillis(Date.now() + aheadMillis)
  })

  const pagesOf = (tenant: string, key: HistoryKey, revision: string | undefined, paging: Paging) =>
    pages((range, n) => client.query(tenant, linesQuery(key, { revision, n }), range), paging)

  const readForward = async function* (key: HistoryKey, since: string | undefined, revision: string | undefined) {
    const tenant = tenantOf(key)
    const { end, start } = await wholeRange(tenant)
    const from = since === undefined ? start : nanosOf(since)
    const paging: Paging = { start: later(from, start), end, direction: "forward" }
    for await (const entries of pagesOf(tenant, key, revision, paging)) {
      const lines = sortedOnce(entries.flatMap((_) => lineOf(key, _)))
      if (lines.length > 0) yield lines
    }
  }
  const readTail = async (key: HistoryKey, since: string | undefined, revision: string | undefined, tail: number) => {
    const tenant = tenantOf(key)
    const { end, start } = await wholeRange(tenant)
    const from = since === undefined ? start : nanosOf(since)
    let found: Array<LogLine> = []
    if (tail === 0) return found
    const paging: Paging = {
      start: later(from, start),
      end,
      direction: "backward",
      firstWindow: nanosOfMillis(millisOfDay / 4),
      pageEntries: Math.min(1000, Math.max(100, tail + 1))
    }
    for await (const entries of pagesOf(tenant, key, revision, paging)) {
      found = [...sortedOnce(entries.flatMap((_) => lineOf(key, _))), ...found]
      if (found.length >= tail) break
    }
    return found.slice(-tail)
  }

  /** The last entry that a query gives at all. */
  const newest = async (tenant: string, query: string): Promise<Entry | undefined> => {
    const ask = (range: Parameters<typeof client.query>[2]) => client.query(tenant, query, { ...range, limit: 1 })
    const paging: Paging = {
      ...(await wholeRange(tenant)),
      direction: "backward",
      firstWindow: nanosOfMillis(millisOfDay / 4),
      // More than is asked for: no page is full, and the first that has something ends it.
      pageEntries: 1000
    }
    for await (const [entry] of pages(ask, paging)) return entry
    return undefined
  }

  const servicesOf = async (organizationId: OrganizationId): Promise<ReadonlyArray<HistoryKey>> => {
    const tenant = client.tenantOf(organizationId)
    const { end, start } = await wholeRange(tenant)
    const found = new Map<string, HistoryKey>()
    const month = nanosOfMillis(30 * millisOfDay)
    for (let from = start; from < end; from += month) {
      const to = earlier(from + month, end)
      for (const { namespace, organization, service } of await client.series(
        tenant,
        linesOfOrganization(organizationId),
        { start: from, end: to }
      )) {
        if (namespace === undefined || service === undefined || organization !== organizationId) continue
        const key = { organizationId, namespace, service }
        found.set(serviceFolder(key), key)
      }
    }
    const services: Array<HistoryKey> = []
    // Streams are known for longer than they have lines.
    for (const [, key] of [...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if ((await newest(tenant, selector(lineLabels(key)))) !== undefined) services.push(key)
    }
    return services
  }

  /** Orders a deletion, if there is something and none is under way that has it, and waits until Loki gives out nothing of it. */
  const erase = async (tenant: string, query: string): Promise<void> => {
    const until = performance.now() + deletionMs
    let wait = 200
    for (;;) {
      const last = await newest(tenant, query)
      if (last === undefined) return
      const lastMillis = Number(last.nanos / 1_000_000n)
      const ordered = (await client.deletes(tenant)).some(
        // It may write a query down with other white space.
        (_) => _.query.replace(/\s/g, "") === query && _.end > lastMillis && _.status !== "processed"
      )
      // Loki takes no deletion of what is still to come.
      if (!ordered && lastMillis + 1000 < Date.now()) await client.delete(tenant, query, Date.now() - 1)
      if (performance.now() > until) {
        throw new LokiError(
          "away",
          `it still gives out lines that were to be deleted, as of ${timeOfNanos(last.nanos)}`
        )
      }
      await sleep(wait)
      wait = Math.min(5000, wait * 2)
    }
  }

  const accepted = new WeakMap<LogLine, string>()
  /** What Loki took of a write that failed is not pushed again with the rest: a limit of its rate might never let it by. */
  const write = async (key: HistoryKey, lines: ReadonlyArray<LogLine>) => {
    const labels = lineLabels(key)
    const tenant = tenantOf(key)
    const lost: Array<{ readonly count: number; readonly why: string }> = []
    const pushing = {
      labels,
      push: (to: typeof labels, values: Parameters<typeof client.push>[2]) => client.push(tenant, to, values),
      lost: (of: ReadonlyArray<LogLine>, why: string) => lost.push({ count: of.length, why })
    }
    const folder = serviceFolder(key)
    const done: Array<LogLine> = []
    try {
      for (const batch of batchesOf(lines.filter((_) => accepted.get(_) !== folder))) {
        await deliver(pushing, batch)
        done.push(...batch)
      }
    } catch (cause) {
      for (const line of done) accepted.set(line, folder)
      throw cause
    }
    return lost
  }

  const eraseOff = (cause: unknown) =>
    cause instanceof LokiError && cause.reason !== "away"
      ? new LokiError(
          cause.reason,
          `it deletes nothing (${cause.message}). Set compactor.retention_enabled and compactor.delete_request_store there, and limits_config.deletion_mode to filter-and-delete; until then it is done when Loki's own retention has taken the lines`
        )
      : cause

  return LogHistory.of({
    get days() {
      const longest = Math.max(0, ...[...kept.values()].map((_) => _.millis))
      return longest === 0 ? days : Math.round(longest / millisOfDay)
    },
    erasing:
      "kept log lines deleted in Loki, which gives none out any more; its compactor takes them from storage when its delete_request_cancel_period is over (24 hours, unless set otherwise there)",
    write: Effect.fn("LogHistory.write")(function* (key, lines) {
      if (lines.length === 0) return
      const lost = yield* attempt("written", () => write(key, lines))
      const count = lost.reduce((sum, _) => sum + _.count, 0)
      if (count === 0) return
      yield* Effect.logWarning(
        `${count} of ${lines.length} log lines of ${serviceFolder(key)} are not kept: ${client.place}: ${lost[0]?.why}`
      )
    }),
    read: (key, { revision, since, tail }) =>
      tail === undefined
        ? Stream.suspend(() => Stream.fromAsyncIterable(readForward(key, since, revision), failed("read")))
        : Stream.fromEffect(attempt("read", () => readTail(key, since, revision, tail))),
    cut: Effect.fn("LogHistory.cut")((key) =>
      attempt("read", async () => {
        serviceFolder(key)
        return { before: timeOf(Date.now() - (await keptMillis(tenantOf(key)))), reason: "days" as const }
      })
    ),
    positions: Effect.fn("LogHistory.positions")((key) =>
      attempt("read", async (): Promise<ReadonlyMap<string, LinePosition>> => {
        const tenant = tenantOf(key)
        const query = selector(positionLabels(key))
        const last = await newest(tenant, query)
        if (last === undefined) return new Map()
        const range = { start: last.nanos, end: last.nanos + 1n, limit: 100, direction: "forward" } as const
        return positionsOf(await client.query(tenant, query, range))
      })
    ),
    savePositions: Effect.fn("LogHistory.savePositions")((key, positions) =>
      attempt("written", () =>
        client.push(tenantOf(key), positionLabels(key), positionValues(positions, nanosOfMillis(Date.now())))
      )
    ),
    remove: Effect.fn("LogHistory.remove")((key) =>
      attempt("removed", () => erase(tenantOf(key), allOfService(key)).catch((_) => Promise.reject(eraseOff(_))))
    ),
    services: Effect.fn("LogHistory.services")((organizationId) => attempt("read", () => servicesOf(organizationId))),
    count: Effect.fn("LogHistory.count")((organizationId) =>
      attempt("read", async () => (await servicesOf(organizationId)).length)
    ),
    removeAll: Effect.fn("LogHistory.removeAll")((organizationId) =>
      attempt("removed", () =>
        erase(client.tenantOf(organizationId), allOfOrganization(organizationId)).catch((_) =>
          Promise.reject(eraseOff(_))
        )
      )
    ),
    // What is old goes by Loki's own retention.
    retain: () => Effect.void,
    // Loki tells nobody how many bytes the lines of a tenant take, and has limits of its own.
    bytes: () => undefined
  })
}

/** Said at the start, not at the first erasure. */
const warnOfDeletion = (client: LokiClient) =>
  Effect.tryPromise({ try: () => client.deletes(client.tenantOf("maxcloud")), catch: (cause) => cause }).pipe(
    Effect.catchAll((cause) =>
      Effect.logWarning(
        cause instanceof LokiError && cause.reason === "away"
          ? `${client.place}: ${cause.message}`
          : `${client.place} deletes nothing: organizations can be erased only when its retention has taken their lines (set compactor.retention_enabled there)`
      )
    )
  )

/** Kept in Grafana Loki (3.0 or later, with structured metadata), by its HTTP API: for those who run one. */
export const layerLoki = (options: LokiHistoryOptions): Layer.Layer<LogHistory> =>
  Layer.scoped(
    LogHistory,
    Effect.gen(function* () {
      const client = new LokiClient(options.loki)
      yield* Effect.forkScoped(warnOfDeletion(client))
      return make(client, options)
    })
  )
