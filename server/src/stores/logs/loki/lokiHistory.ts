import { Effect, Layer, Stream } from "effect"
import { attemptsAt, type HistoryKey, LogHistory } from "../LogHistory.ts"
import { type LinePosition, timeOf } from "../LogLine.ts"
import { serviceFolder } from "../serviceFolder.ts"
import { eraseLines } from "./eraseLines.ts"
import { findServices } from "./findServices.ts"
import { KeptTime, nanosOfMillis } from "./KeptTime.ts"
import { LokiClient, LokiError, type LokiOptions } from "./LokiClient.ts"
import { LokiWriter } from "./LokiWriter.ts"
import { allOfOrganization, allOfService, positionLabels, selector } from "./logql.ts"
import { positionsOf, positionValues } from "./positions.ts"
import { newestEntry, readForward, readTail } from "./readLines.ts"

export interface LokiHistoryOptions {
  readonly loki: LokiOptions
  /** How many days back to look for lines if Loki doesn't say how long it keeps them. @default 14 */
  readonly days?: number | undefined
  /**
   * How long Loki may still return deleted lines, in milliseconds. @default 6 minutes: it may take 5 to learn of a
   * deletion
   */
  readonly deletionMs?: number | undefined
}

const positionsIn = async (client: LokiClient, kept: KeptTime, key: HistoryKey) => {
  const tenant = client.tenantOf(key.organizationId)
  const query = selector(positionLabels(key))
  const last = await newestEntry(client, kept, tenant, query)
  if (last === undefined) return new Map<string, LinePosition>()
  const range = { start: last.nanos, end: last.nanos + 1n, limit: 100, direction: "forward" } as const
  return positionsOf(await client.query(tenant, query, range))
}

const make = (client: LokiClient, { days = 14, deletionMs = 360_000 }: LokiHistoryOptions) => {
  const kept = new KeptTime(client, days)
  const writer = new LokiWriter(client)
  const tenantOf = (key: HistoryKey) => client.tenantOf(key.organizationId)
  const { attempt, failed } = attemptsAt(client.place)

  return LogHistory.of({
    get days() {
      return kept.days
    },
    erasing:
      "log lines deleted in Loki, which no longer returns them; its compactor removes them from storage when its delete_request_cancel_period is over (24 hours by default)",
    write: Effect.fn("LogHistory.write")(function* (key, lines) {
      if (lines.length === 0) return
      const lost = yield* attempt("written", () => writer.write(key, lines))
      const count = lost.reduce((sum, each) => sum + each.count, 0)
      if (count === 0) return
      yield* Effect.logWarning(
        `couldn't store ${count} of ${lines.length} log lines of ${serviceFolder(key)}: ${client.place}: ${lost[0]?.why}`
      )
    }),
    read: (key, query) => {
      const { tail } = query
      return tail === undefined
        ? Stream.suspend(() => Stream.fromAsyncIterable(readForward(client, kept, key, query), failed("read")))
        : Stream.fromEffect(attempt("read", () => readTail(client, kept, key, query, tail)))
    },
    cut: Effect.fn("LogHistory.cut")((key) =>
      attempt("read", async () => {
        serviceFolder(key)
        return { before: timeOf(Date.now() - (await kept.millis(tenantOf(key)))), reason: "days" as const }
      })
    ),
    positions: Effect.fn("LogHistory.positions")((key) => attempt("read", () => positionsIn(client, kept, key))),
    savePositions: Effect.fn("LogHistory.savePositions")((key, positions) =>
      attempt("written", () =>
        client.push(tenantOf(key), positionLabels(key), positionValues(positions, nanosOfMillis(Date.now())))
      )
    ),
    remove: Effect.fn("LogHistory.remove")((key) =>
      attempt("removed", () => eraseLines(client, kept, tenantOf(key), allOfService(key), deletionMs))
    ),
    services: Effect.fn("LogHistory.services")((organizationId) =>
      attempt("read", () => findServices(client, kept, organizationId))
    ),
    count: Effect.fn("LogHistory.count")((organizationId) =>
      attempt("read", async () => (await findServices(client, kept, organizationId)).length)
    ),
    removeAll: Effect.fn("LogHistory.removeAll")((organizationId) =>
      attempt("removed", () =>
        eraseLines(client, kept, client.tenantOf(organizationId), allOfOrganization(organizationId), deletionMs)
      )
    ),
    // Loki's own retention removes old lines.
    retain: () => Effect.void,
    // Loki doesn't report how many bytes a tenant's lines take, and has limits of its own.
    bytes: () => undefined
  })
}

/** Report it at the start, not at the first erasure. */
const warnOfDeletion = (client: LokiClient) =>
  Effect.tryPromise({ try: () => client.deletes(client.tenantOf("maxcloud")), catch: (cause) => cause }).pipe(
    Effect.catchAll((cause) =>
      Effect.logWarning(
        cause instanceof LokiError && cause.reason === "away"
          ? `${client.place}: ${cause.message}`
          : `${client.place} deletes nothing, so organizations can be erased only when its retention has removed their lines (set compactor.retention_enabled there)`
      )
    )
  )

/** Stored in Grafana Loki (3.0 or later, with structured metadata), through its HTTP API. */
export const layerLoki = (options: LokiHistoryOptions): Layer.Layer<LogHistory> =>
  Layer.scoped(
    LogHistory,
    Effect.gen(function* () {
      const client = new LokiClient(options.loki)
      yield* Effect.forkScoped(warnOfDeletion(client))
      return make(client, options)
    })
  )
