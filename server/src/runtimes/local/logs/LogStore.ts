import { join } from "node:path"
import type { ServiceName } from "@maxcloud/config-schema"
import type { LogEntry, OrganizationId } from "@maxcloud/sdk/api"
import { Chunk, Context, Effect, Layer, Option, Stream } from "effect"
import type { DiskWatch } from "../../../base/disk/DiskWatch.ts"
import { errorText } from "../../../base/host/systemFault.ts"
import { type LogQuery, RuntimeError } from "../../port/Runtime.ts"
import { comparePositions, decodeCursor, encodeCursor, type LogPosition } from "./LogFiles.ts"
import { endOfLog, type LogFilter, LogReader, type PositionedRecord, startOfTail } from "./LogReader.ts"
import type { LogSource, LogWriter } from "./LogWriter.ts"
import { streamNames } from "./logRecord.ts"
import { OrganizationLogs } from "./OrganizationLogs.ts"
import { ServiceLog } from "./ServiceLog.ts"

export type { LogSource, LogWriter } from "./LogWriter.ts"

export interface LogStoreOptions {
  readonly directory: string
  /** Maximum bytes of one service's files. @default 20 MiB */
  readonly maxBytesPerService?: number
  /** Number of files for one service; the oldest is deleted when a new one begins. @default 4 */
  readonly files?: number
  /** The current maximum bytes of one organization's files; null: no limit. @default none */
  readonly quotaOf?: ((organizationId: OrganizationId) => number | null) | undefined
  /** Reports whether there is room for lines. @default there is */
  readonly disk?: DiskWatch | undefined
}

type ServiceOf = Pick<LogSource, "organizationId" | "namespace" | "service">

/** A name that is a single folder, and none above or below it. */
const folderName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/

const refused = (message: string) => new RuntimeError({ reason: "refused", message })
const unreadable = (cause: unknown) =>
  new RuntimeError({
    reason: "unavailable",
    message: `Couldn't read the log files. ${errorText(cause, "the server's data folder")}`,
    cause
  })

/** The logs of services that are being written or read. */
class ServiceLogs {
  readonly #options: LogStoreOptions
  readonly #logs = new Map<string, ServiceLog>()
  readonly #organizations = new Map<OrganizationId, OrganizationLogs>()

  constructor(options: LogStoreOptions) {
    this.#options = options
  }

  /** Undefined for names that can't belong to a service. */
  folder(service: ServiceOf): string | undefined {
    const names = [service.organizationId, service.namespace, service.service]
    return names.every((name) => folderName.test(name)) ? join(this.#options.directory, ...names) : undefined
  }

  organization(id: OrganizationId): OrganizationLogs {
    const known = this.#organizations.get(id)
    if (known !== undefined) return known
    const { directory, quotaOf = () => null } = this.#options
    const logs = new OrganizationLogs(join(directory, id), () => quotaOf(id))
    this.#organizations.set(id, logs)
    return logs
  }

  get(folder: string, organizationId: OrganizationId): ServiceLog {
    const known = this.#logs.get(folder)
    if (known !== undefined) return known
    const { files = 4, maxBytesPerService = 20 * 1024 * 1024 } = this.#options
    const limits = { maxBytes: maxBytesPerService, files }
    const log = new ServiceLog(folder, limits, this.organization(organizationId), this.#options.disk)
    this.#logs.set(folder, log)
    return log
  }

  async release(log: ServiceLog): Promise<void> {
    if (!log.unused || this.#logs.get(log.folder) !== log) return
    this.#logs.delete(log.folder)
    await log.close()
  }

  async remove(folder: string, organizationId: OrganizationId): Promise<void> {
    const log = this.get(folder, organizationId)
    this.#logs.delete(folder)
    await log.remove()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#logs.values()].map((log) => log.close()))
  }
}

const toEntry = (service: ServiceName, { position, record }: PositionedRecord): LogEntry => ({
  cursor: encodeCursor(position),
  at: new Date(record.t).toISOString(),
  service,
  revision: record.r,
  instance: record.i,
  stream: streamNames[record.s],
  line: record.l,
  truncated: record.x === 1
})

const readerOf = async (log: ServiceLog, query: LogQuery, after: LogPosition | undefined, filter: LogFilter) => {
  await log.flush()
  const end = await endOfLog(log.folder)
  const start =
    after !== undefined
      ? comparePositions(after, end) < 0
        ? after
        : end
      : query.tail === undefined
        ? { generation: 0, offset: 0 }
        : await startOfTail(log.folder, end, query.tail, filter)
  return { reader: new LogReader(log.folder, start, filter), until: query.follow ? undefined : end }
}

const newerThan = (log: ServiceLog, version: number) =>
  Effect.async<void>((resume) => {
    const stop = log.whenNewer(version, () => resume(Effect.void))
    return Effect.sync(stop)
  })

const readLog = (log: ServiceLog, query: LogQuery, after: LogPosition | undefined) =>
  Effect.gen(function* () {
    const filter: LogFilter = { revision: query.revision, since: query.since }
    const { reader, until } = yield* Effect.tryPromise({
      try: () => readerOf(log, query, after, filter),
      catch: unreadable
    })
    const next = Effect.gen(function* () {
      for (;;) {
        const { removed, version } = log
        const records = yield* Effect.tryPromise({
          try: () => reader.read(until),
          catch: (cause) => Option.some(unreadable(cause))
        })
        if (records.length > 0)
          return Chunk.map(Chunk.unsafeFromArray(records), (record) => toEntry(query.key.service, record))
        if (!query.follow || removed) return yield* Effect.fail(Option.none())
        yield* newerThan(log, version)
      }
    })
    return Stream.repeatEffectChunkOption(next)
  })

const make = (options: LogStoreOptions) =>
  Effect.gen(function* () {
    const logs = new ServiceLogs(options)
    yield* Effect.addFinalizer(() => Effect.promise(() => logs.close()))

    const writer = (source: LogSource): LogWriter => {
      const folder = logs.folder(source)
      if (folder === undefined) throw new Error(`This can't be the name of a log: ${JSON.stringify(source.service)}.`)
      const log = logs.get(folder, source.organizationId)
      const lines = log.writer(source)
      return { ...lines, close: () => lines.close().then(() => logs.release(log)) }
    }

    const use = (folder: string, organizationId: OrganizationId) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const log = logs.get(folder, organizationId)
          log.readers++
          return log
        }),
        (log) =>
          Effect.promise(() => {
            log.readers--
            return logs.release(log)
          })
      )

    const read = (query: LogQuery): Stream.Stream<LogEntry, RuntimeError> => {
      const folder = logs.folder(query.key)
      const after = query.after === undefined ? undefined : decodeCursor(query.after)
      if (folder === undefined) return Stream.fail(refused("This can't be the name of a service."))
      if (query.after !== undefined && after === undefined)
        return Stream.fail(refused("The cursor doesn't belong to a log line. Read from the beginning, without it."))
      return use(folder, query.key.organizationId).pipe(
        Effect.flatMap((log) => readLog(log, query, after)),
        Stream.unwrapScoped
      )
    }

    const tail = Effect.fn("LogStore.tail")(function* (source: ServiceOf & Pick<LogSource, "revision">, lines: number) {
      const folder = logs.folder(source)
      if (folder === undefined) return []
      const log = yield* use(folder, source.organizationId)
      return yield* Effect.tryPromise(async () => {
        await log.flush()
        const filter = { revision: source.revision, since: undefined }
        const end = await endOfLog(folder)
        const reader = new LogReader(folder, await startOfTail(folder, end, lines, filter), filter)
        const found: Array<string> = []
        for (;;) {
          const records = await reader.read(end)
          if (records.length === 0) return found
          found.push(...records.map(({ record }) => record.l))
        }
      }).pipe(Effect.orElseSucceed((): ReadonlyArray<string> => []))
    }, Effect.scoped)

    const remove = Effect.fn("LogStore.remove")(function* (source: ServiceOf) {
      const folder = logs.folder(source)
      if (folder !== undefined) yield* Effect.promise(() => logs.remove(folder, source.organizationId))
    })

    const bytes = Effect.fn("LogStore.bytes")((organizationId: OrganizationId) => {
      const organization = logs.organization(organizationId)
      return Effect.tryPromise(() => organization.load()).pipe(
        Effect.map(() => organization.bytes),
        Effect.orElseSucceed(() => null)
      )
    })

    return LogStore.of({ writer, read, tail, remove, bytes })
  })

/**
 * Logs of instances in bounded, rotated files: one folder per organization, namespace and service, within the organization's quota. Lines
 * over 16 KiB are cut. A carriage return alone doesn't end a line. Bytes that aren't UTF-8 are replaced. Memory is bounded for any input.
 */
export class LogStore extends Context.Tag("@maxcloud/server/LogStore")<
  LogStore,
  {
    readonly writer: (source: LogSource) => LogWriter
    /** Lines in order of arrival. A follower's stream ends when the service's log is removed. */
    readonly read: (query: LogQuery) => Stream.Stream<LogEntry, RuntimeError>
    /** The last lines of one revision, oldest first. */
    readonly tail: (
      source: Pick<LogSource, "organizationId" | "namespace" | "service" | "revision">,
      lines: number
    ) => Effect.Effect<ReadonlyArray<string>>
    /** Deletes all lines of a service; writers that are still open write nothing more. */
    readonly remove: (source: Pick<LogSource, "organizationId" | "namespace" | "service">) => Effect.Effect<void>
    /** Bytes of an organization's files; null: unreadable. */
    readonly bytes: (organizationId: OrganizationId) => Effect.Effect<number | null>
  }
>() {
  static readonly layer = (options: LogStoreOptions): Layer.Layer<LogStore> => Layer.scoped(LogStore, make(options))
}
