import { Effect } from "effect"
import type { HistoryKey, LogHistory, LogHistoryError } from "../../../stores/logs/LogHistory.ts"
import type { LinePosition, LogLine } from "../../../stores/logs/LogLine.ts"

export interface BufferLimits {
  /** Bytes of text that make a chunk. */
  readonly flushBytes: number
  /** How long a line may wait to be written, in milliseconds. */
  readonly flushMillis: number
  /** Bytes that the buffers of all services may hold; above, each is written when it has a sixteenth of `flushBytes`. */
  readonly allBytes: number
}

const sizeOf = ({ line }: LogLine) => line.length + 48

/** An instance that has ended: its lines are written soon, for its pod goes. */
const endedMillis = 500

/**
 * Lines of one service that are still to be written. Nothing is lost with it: until they are, `positions` stay behind, and the lines are
 * read again from the pod.
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
  /** The positions up to which lines were written, by uid. */
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

  /** The line after which to read an instance. */
  after(uid: string): LinePosition | undefined {
    return this.#written.get(uid)
  }

  get empty(): boolean {
    return this.#lines.length === 0
  }

  isDue(now: number): boolean {
    return now >= this.#dueAt
  }

  ended(): void {
    if (!this.empty) this.#dueAt = Math.min(this.#dueAt, performance.now() + endedMillis)
  }

  /** Waits while what is there cannot be written. */
  append(lines: ReadonlyArray<LogLine>, isPresent: (uid: string) => boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.empty) this.#dueAt = performance.now() + this.#limits.flushMillis
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

  /** Writes what there is. `isPresent`: of which instances the position is still wanted. */
  flush(isPresent: (uid: string) => boolean): Effect.Effect<void, LogHistoryError> {
    return this.#oneWriter.withPermits(1)(
      Effect.gen(this, function* () {
        const count = this.#lines.length
        if (count === 0) return
        const lines = this.#lines.slice(0, count)
        yield* this.#history.write(this.key, lines)
        this.#lines = this.#lines.slice(count)
        this.#add(-lines.reduce((sum, line) => sum + sizeOf(line), 0))
        this.#dueAt = this.#lines.length === 0 ? Number.POSITIVE_INFINITY : performance.now() + this.#limits.flushMillis
        const positions = new Map([...this.#written].filter(([uid]) => isPresent(uid)))
        for (const { n, t, uid } of lines) positions.set(uid, { t, n })
        this.#written = positions
        // A crash before this writes the same lines again: they are read once.
        yield* this.#history.savePositions(this.key, positions)
      })
    )
  }
}
