import { Effect } from "effect"
import { guardedBy } from "../../../base/node/guarded.ts"
import { compareLines, type LogLine } from "../../../stores/logs/LogLine.ts"

interface Batch {
  lines: ReadonlyArray<LogLine>
  readonly arrivedAt: number
}

/** Who reads fast is given lines this often, in milliseconds, and then all that came: the API server sends each line alone. */
const gatherMillis = 10
/** So many are given at once. */
const gatherLines = 2_048

export interface LiveMergeOptions {
  /** How long a line waits for earlier ones of other instances, in milliseconds. @default 200 */
  readonly windowMillis?: number
  /** Lines that may wait for the reader; who has more to give waits. @default 8192 */
  readonly maxLines?: number
}

/**
 * Lines of several instances as they come, put in order within a window of time; of one instance at once. Who gives waits while the
 * reader is behind, so memory is bounded: what is not taken stays with the kubelet.
 */
export class LiveMerge {
  readonly #windowMillis: number
  readonly #maxLines: number
  #batches: Array<Batch> = []
  #count = 0
  #ended = false
  #instances = 0
  #takenAt = 0
  #wakeReader: (() => void) | undefined
  readonly #waiting = new Set<() => void>()

  constructor({ maxLines = 8192, windowMillis = 200 }: LiveMergeOptions = {}) {
    this.#windowMillis = windowMillis
    this.#maxLines = maxLines
  }

  /** How many instances give lines now: with one there is nothing to wait for. */
  set instances(count: number) {
    this.#instances = count
    this.#wake()
  }

  readonly give = (lines: ReadonlyArray<LogLine>): Effect.Effect<void> =>
    Effect.async<void>((resume) => {
      const add = () => {
        this.#batches.push({ lines, arrivedAt: performance.now() })
        this.#count += lines.length
        this.#wake()
        resume(Effect.void)
      }
      if (this.#count < this.#maxLines) return add()
      const retry = () => {
        if (this.#count >= this.#maxLines) return
        this.#waiting.delete(retry)
        add()
      }
      this.#waiting.add(retry)
      return Effect.sync(() => this.#waiting.delete(retry))
    })

  /** Nothing more will come. */
  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** The next lines, some at least; undefined at the end. */
  readonly take: Effect.Effect<ReadonlyArray<LogLine> | undefined> = Effect.async((resume) => {
    let timer: NodeJS.Timeout | undefined
    const attempt = guardedBy((cause) => resume(Effect.die(cause)))(() => {
      clearTimeout(timer)
      const due = this.#due()
      if (due === undefined && !this.#ended) return
      if (due !== undefined && due > 0) {
        timer = setTimeout(attempt, due)
        return
      }
      // Before lines are taken: whoever waited to give some gives them then, and would wake this reader once more.
      this.#wakeReader = undefined
      resume(Effect.succeed(due === undefined ? undefined : this.#takeDue()))
    })
    this.#wakeReader = attempt
    attempt()
    return Effect.sync(() => {
      clearTimeout(timer)
      this.#wakeReader = undefined
    })
  })

  #wake(): void {
    this.#wakeReader?.()
  }

  get #immediate(): boolean {
    return this.#ended || this.#instances <= 1 || this.#count >= this.#maxLines
  }

  /** Milliseconds until lines may be taken; undefined: there are none. */
  #due(): number | undefined {
    const oldest = this.#batches[0]
    if (oldest === undefined) return undefined
    const now = performance.now()
    if (!this.#immediate) return Math.max(0, oldest.arrivedAt + this.#windowMillis - now)
    return this.#ended || this.#count >= gatherLines ? 0 : Math.max(0, this.#takenAt + gatherMillis - now)
  }

  #takeDue(): ReadonlyArray<LogLine> {
    const until = this.#immediate ? Number.POSITIVE_INFINITY : performance.now() - this.#windowMillis
    let bound: LogLine | undefined
    for (const { arrivedAt, lines } of this.#batches) {
      if (arrivedAt > until) break
      const end = lines.at(-1)
      if (end !== undefined && (bound === undefined || compareLines(end, bound) > 0)) bound = end
    }
    const taken: Array<LogLine> = []
    const left: Array<Batch> = []
    for (const batch of this.#batches) {
      if (bound === undefined) continue
      const limit = bound
      const count = batch.arrivedAt <= until ? batch.lines.length : countUpTo(batch.lines, limit)
      for (let i = 0; i < count; i++) {
        const line = batch.lines[i]
        if (line !== undefined) taken.push(line)
      }
      if (count < batch.lines.length) left.push({ ...batch, lines: batch.lines.slice(count) })
    }
    this.#batches = left
    this.#takenAt = performance.now()
    this.#count -= taken.length
    for (const retry of [...this.#waiting]) retry()
    return taken.sort(compareLines)
  }
}

const countUpTo = (lines: ReadonlyArray<LogLine>, bound: LogLine): number => {
  const index = lines.findIndex((line) => compareLines(line, bound) > 0)
  return index === -1 ? lines.length : index
}
