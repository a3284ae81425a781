import { Effect } from "effect"
import type { HistoryKey, LogHistory, LogHistoryError } from "../../../stores/logs/LogHistory.ts"
import type { LinePosition, LogLine } from "../../../stores/logs/LogLine.ts"

export interface BufferLimits {
  /** Bytes of text in a chunk. */
  readonly flushBytes: number
  /** How long a line may wait to be written, in milliseconds. */
  readonly flushMillis: number
  /** Limit for the buffers of all services in bytes. Above it, each buffer is written at a sixteenth of `flushBytes`. */
  readonly allBytes: number
}

const sizeOf = ({ line }: LogLine) => line.length + 48

/** An instance that has ended: its lines are written soon, because its pod will be deleted. */
const endedMillis = 500

/**
 * A service's lines that aren't written yet. Losing the buffer loses no lines: until they are written, `positions` stay behind,
 * and the lines are read again from the pod.
 */
export class ServiceBuffer {
  readonly key: HistoryKey
  readonly #history: LogHistory["Type"]
  readonly #limits: BufferLimits
  /** Bytes in the buffers of all services. */
  readonly #held: { bytes: number }
  readonly #oneWriter = Effect.unsafeMakeSemaphore(1)
  #lines: Array<LogLine> = []
  #bytes = 0
  #dueAt = Number.POSITIVE_INFINITY
  /** When the oldest of the lines arrived, in milliseconds of `performance.now()`. */
  #oldestMillis: number | undefined
  /** The positions up to which lines are written, by uid. */
  #written: ReadonlyMap<string, LinePosition>

  constructor(
    key: HistoryKey,
    history: LogHistory["Type"],
    written: ReadonlyMap<string, LinePosition>,
    limits: BufferLimits,
    held: { bytes: number }
  ) {
    this.key = key
    this.#history = history
    this.#written = written
    this.#limits = limits
    this.#held = held
  }

  /** The line after which to continue reading an instance. */
  after(uid: string): LinePosition | undefined {
    return this.#written.get(uid)
  }

  get empty(): boolean {
    return this.#lines.length === 0
  }

  /** How long the oldest line has been waiting to be written. */
  lagMillis(now: number): number {
    return this.#oldestMillis === undefined ? 0 : now - this.#oldestMillis
  }

  isDue(now: number): boolean {
    return now >= this.#dueAt
  }

  ended(): void {
    if (!this.empty) this.#dueAt = Math.min(this.#dueAt, performance.now() + endedMillis)
  }

  /** Waits while the buffer can't be written. */
  append(lines: ReadonlyArray<LogLine>, isPresent: (uid: string) => boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.empty) this.#dueAt = performance.now() + this.#limits.flushMillis
      if (lines.length > 0) this.#oldestMillis ??= performance.now()
      for (const line of lines) {
        this.#lines.push(line)
        this.#add(sizeOf(line))
      }
      return this.#full ? this.#room(isPresent) : Effect.void
    })
  }

  get #full(): boolean {
    const { allBytes, flushBytes } = this.#limits
    return this.#bytes >= flushBytes || (this.#held.bytes > allBytes && this.#bytes >= flushBytes / 16)
  }

  #add(bytes: number): void {
    this.#bytes += bytes
    this.#held.bytes += bytes
  }

  #room(isPresent: (uid: string) => boolean): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      while (this.#full) {
        yield* this.flush(isPresent).pipe(Effect.catchAll(() => Effect.sleep(1000 * (1 + Math.random()))))
      }
    })
  }

  /** Writes the buffered lines. `isPresent`: which instances' positions are still needed. */
  flush(isPresent: (uid: string) => boolean): Effect.Effect<void, LogHistoryError> {
    return this.#oneWriter.withPermits(1)(
      Effect.gen(this, function* () {
        const count = this.#lines.length
        if (count === 0) return
        const lines = this.#lines.slice(0, count)
        const startedMillis = performance.now()
        yield* this.#history.write(this.key, lines)
        this.#lines = this.#lines.slice(count)
        // Lines that arrived during the write are no older than its start.
        this.#oldestMillis = this.#lines.length === 0 ? undefined : startedMillis
        this.#add(-lines.reduce((sum, line) => sum + sizeOf(line), 0))
        this.#dueAt = this.#lines.length === 0 ? Number.POSITIVE_INFINITY : performance.now() + this.#limits.flushMillis
        const positions = new Map([...this.#written].filter(([uid]) => isPresent(uid)))
        for (const { n, t, uid } of lines) positions.set(uid, { t, n })
        this.#written = positions
        // After a crash before this point, the same lines are written again but read once.
        yield* this.#history.savePositions(this.key, positions)
      })
    )
  }
}
