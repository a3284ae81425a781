import { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Data, Effect, Layer, Schema, Stream } from "effect"
import { builtInQuotas } from "../../tenancy/limits/defaultQuotas.ts"
import { encodeChunk } from "./chunk.ts"
import { folderStore } from "./folderStore.ts"
import { countObjects, listServices, readPositions, readText, removeService, savePositions } from "./historyObjects.ts"
import { type LinePosition, type LogLine, millisOf, timeOf } from "./LogLine.ts"
import type { ObjectStore } from "./ObjectStore.ts"
import { OrganizationRoom } from "./organizationRoom.ts"
import { readRange, readTail } from "./readChunks.ts"
import { type Retention, retainOrganization } from "./retention.ts"
import { type S3Options, s3Store } from "./s3Store.ts"
import { serviceFolder } from "./serviceFolder.ts"

/** Stored lines are temporarily unreadable or unwritable. `message` names the place. */
export class LogHistoryError extends Data.TaggedError("LogHistoryError")<{
  readonly message: string
  readonly cause: unknown
}> {}

/** Runs operations on stored lines, and names the place in their failures. */
export const attemptsAt = (place: string) => {
  const failed = (doing: string) => (cause: unknown) =>
    new LogHistoryError({
      message: `Log lines can't be ${doing} (${place}): ${cause instanceof Error ? cause.message : "no reason given"}`,
      cause
    })
  const attempt = <A>(doing: string, run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: failed(doing) })
  return { attempt, failed }
}

/** The owner of the lines. All of them are below the organization's own folder. */
export interface HistoryKey {
  readonly organizationId: OrganizationId
  readonly namespace: string
  readonly service: string
}

export interface HistoryQuery {
  /** The lower bound, as `LogLine.t`. */
  readonly since?: string | undefined
  readonly revision?: string | undefined
  /** Only the last ones. */
  readonly tail?: number | undefined
}

/** The lines of a service that retention has removed: those before `before`. */
export const HistoryCut = Schema.Struct({ before: Schema.String, reason: Schema.Literal("days", "bytes") })
export type HistoryCut = typeof HistoryCut.Type

const isOrganizationId = Schema.is(OrganizationId)
const decodeCut = Schema.decodeUnknownSync(Schema.parseJson(HistoryCut))

/**
 * Lines of instances, for after these are gone: compressed chunks per organization, namespace and service, limited by
 * days and bytes. Writing the same lines twice does no harm: they're read once.
 */
export class LogHistory extends Context.Tag("@maxcloud/server/LogHistory")<
  LogHistory,
  {
    /** Stores these lines of one service, as one chunk. Durable when it returns. */
    readonly write: (key: HistoryKey, lines: ReadonlyArray<LogLine>) => Effect.Effect<void, LogHistoryError>
    /** Lines in order (`compareLines`), each once. Reads only the chunks of the range; with `tail` only the newest. */
    readonly read: (key: HistoryKey, query: HistoryQuery) => Stream.Stream<ReadonlyArray<LogLine>, LogHistoryError>
    /** The removal by retention; undefined if it removed nothing. */
    readonly cut: (key: HistoryKey) => Effect.Effect<HistoryCut | undefined, LogHistoryError>
    /** The positions up to which instances' lines were written, by uid, for the next collector. */
    readonly positions: (key: HistoryKey) => Effect.Effect<ReadonlyMap<string, LinePosition>, LogHistoryError>
    readonly savePositions: (
      key: HistoryKey,
      positions: ReadonlyMap<string, LinePosition>
    ) => Effect.Effect<void, LogHistoryError>
    /** Deletes a service's lines. */
    readonly remove: (key: HistoryKey) => Effect.Effect<void, LogHistoryError>
    /** Services of an organization with stored lines. */
    readonly services: (organizationId: OrganizationId) => Effect.Effect<ReadonlyArray<HistoryKey>, LogHistoryError>
    /** The number of an organization's stored objects. */
    readonly count: (organizationId: OrganizationId) => Effect.Effect<number, LogHistoryError>
    /** Deletes an organization's lines. */
    readonly removeAll: (organizationId: OrganizationId) => Effect.Effect<void, LogHistoryError>
    /**
     * Removes lines beyond the retention or quota, of the organizations that `owns` selects. Call it every hour or so.
     */
    readonly retain: (owns: (organizationId: string) => boolean) => Effect.Effect<void, LogHistoryError>
    /** An organization's stored bytes, as far as this server knows; undefined: not counted. */
    readonly bytes: (organizationId: OrganizationId) => number | undefined
    /** For messages: how many days lines are kept. */
    readonly days: number
    /** For certificates: what `removeAll` does. */
    readonly erasing: string
  }
>() {}

export interface HistoryOptions {
  readonly retention?: Partial<Retention> | undefined
  /** The present limit, instead of `bytesPerOrganization`; null: no limit. */
  readonly quotaOf?: ((organizationId: OrganizationId) => number | null) | undefined
}

const defaults: Retention = { days: 14, bytesPerOrganization: builtInQuotas.logBytes }

const make = (store: ObjectStore, options: HistoryOptions) => {
  const retention: Retention = { ...defaults, ...options.retention }
  const { quotaOf } = options
  const quota = (organization: string) => {
    if (quotaOf === undefined) return retention.bytesPerOrganization
    return isOrganizationId(organization)
      ? (quotaOf(organization) ?? Number.POSITIVE_INFINITY)
      : Number.POSITIVE_INFINITY
  }
  const room = new OrganizationRoom(quota, (organization, bytesPerOrganization) =>
    retainOrganization(store, organization, { days: retention.days, bytesPerOrganization }, Date.now())
  )
  const { attempt, failed } = attemptsAt(store.place)

  return LogHistory.of({
    bytes: (organizationId) => room.bytes(organizationId),
    days: retention.days,
    erasing: "log lines deleted from the folder or bucket",
    write: Effect.fn("LogHistory.write")((key, lines) =>
      lines.length === 0
        ? Effect.void
        : attempt("written", async () => {
            const chunk = await encodeChunk(lines)
            await room.write(key.organizationId, chunk.body.length, () =>
              store.put(`${serviceFolder(key)}/${chunk.key}`, chunk.body)
            )
          })
    ),
    read: (key, query) => {
      const { revision, since = timeOf(0), tail } = query
      const range = { folder: serviceFolder(key), since, sinceMillis: millisOf(since), revision }
      if (tail !== undefined) return Stream.fromEffect(attempt("read", () => readTail(store, range, tail)))
      // A generator yields its lines once, so each run of the stream needs its own.
      return Stream.suspend(() => Stream.fromAsyncIterable(readRange(store, range), failed("read")))
    },
    cut: Effect.fn("LogHistory.cut")((key) =>
      attempt("read", async () => {
        const kept = await readText(store, `${serviceFolder(key)}/cut.json`)
        return kept === undefined ? undefined : decodeCut(kept)
      })
    ),
    positions: Effect.fn("LogHistory.positions")((key) => attempt("read", () => readPositions(store, key))),
    savePositions: Effect.fn("LogHistory.savePositions")((key, positions) =>
      attempt("written", () => savePositions(store, key, positions))
    ),
    remove: Effect.fn("LogHistory.remove")((key) => attempt("removed", () => removeService(store, key))),
    services: Effect.fn("LogHistory.services")((organizationId) =>
      attempt("read", () => listServices(store, organizationId))
    ),
    count: Effect.fn("LogHistory.count")((organizationId) =>
      attempt("read", () => countObjects(store, organizationId))
    ),
    removeAll: Effect.fn("LogHistory.removeAll")((organizationId) =>
      attempt("removed", () => store.deleteAll(organizationId).then(() => room.forget(organizationId)))
    ),
    retain: Effect.fn("LogHistory.retain")((owns) =>
      attempt("removed", async () => {
        for (const organization of (await store.list("")).folders) {
          if (owns(organization)) await room.check(organization)
        }
      })
    )
  })
}

const layerOf = (store: () => ObjectStore, options: HistoryOptions): Layer.Layer<LogHistory> =>
  Layer.scoped(
    LogHistory,
    Effect.map(
      Effect.acquireRelease(Effect.sync(store), (found) => Effect.promise(() => found.close())),
      (found) => make(found, options)
    )
  )

/** Stored in a folder of this machine. */
export const layerFolder = (options: HistoryOptions & { readonly directory: string }): Layer.Layer<LogHistory> =>
  layerOf(() => folderStore(options.directory), options)

/** Stored in a bucket, which several replicas of the server need. */
export const layerS3 = (options: HistoryOptions & { readonly s3: S3Options }): Layer.Layer<LogHistory> =>
  layerOf(() => s3Store(options.s3), options)
