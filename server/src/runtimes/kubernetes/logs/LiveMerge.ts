import { Effect } from "effect"
import { guardedBy } from "../../../base/node/guarded.ts"
import type { LogLine } from "../../../stores/logs/LogLine.ts"
import { dueIn, given, isFull, type MergingBounds, nothingYet, taken } from "./merging.ts"

export interface LiveMergeOptions extends Partial<MergingBounds> {}

/**
 * Sorts lines of several instances as they arrive, within a window of time; lines of a single instance pass at once. Sources wait
 * while the reader is behind, so memory is bounded: unread lines stay with the kubelet. `merging.ts` decides, this class waits.
 */
export class LiveMerge {
  readonly #bounds: MergingBounds
  #state = nothingYet
  #wakeReader: (() => void) | undefined
  readonly #waiting = new Set<() => void>()

  /** By default a line waits 200 ms for earlier ones of other instances, and 8192 lines may wait for the reader. */
  constructor({ maxLines = 8192, windowMillis = 200 }: LiveMergeOptions = {}) {
    this.#bounds = { maxLines, windowMillis }
  }

  set instances(instances: number) {
    this.#change({ ...this.#state, instances })
  }

  readonly give = (lines: ReadonlyArray<LogLine>): Effect.Effect<void> =>
    Effect.async<void>((resume) => {
      const add = () => {
        this.#change(given(this.#state, lines, performance.now()))
        resume(Effect.void)
      }
      if (!isFull(this.#state, this.#bounds)) return add()
      const retry = () => {
        if (isFull(this.#state, this.#bounds)) return
        this.#waiting.delete(retry)
        add()
      }
      this.#waiting.add(retry)
      return Effect.sync(() => this.#waiting.delete(retry))
    })

  /** No more lines will come. */
  end(): void {
    this.#change({ ...this.#state, ended: true })
  }

  /** The next lines, at least one; undefined at the end. */
  readonly take: Effect.Effect<ReadonlyArray<LogLine> | undefined> = Effect.async((resume) => {
    let timer: NodeJS.Timeout | undefined
    const attempt = guardedBy((cause) => resume(Effect.die(cause)))(() => {
      clearTimeout(timer)
      const due = dueIn(this.#state, this.#bounds, performance.now())
      if (due === undefined && !this.#state.ended) return
      if (due !== undefined && due > 0) {
        timer = setTimeout(attempt, due)
        return
      }
      // Do this before taking lines: a source that waited for room then adds its lines, and would wake this reader again.
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

  #change(state: typeof nothingYet): void {
    this.#state = state
    this.#wakeReader?.()
  }

  #takeDue(): ReadonlyArray<LogLine> {
    const { lines, state } = taken(this.#state, this.#bounds, performance.now())
    this.#state = state
    for (const retry of [...this.#waiting]) retry()
    return lines
  }
}
