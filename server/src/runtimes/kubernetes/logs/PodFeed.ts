import { Effect, type Exit } from "effect"
import { comparePositions, type LinePosition, type LogLine, millisOf } from "../../../stores/logs/LogLine.ts"
import type { Followed } from "./podLog.ts"

/** What happens to an instance's log, in order. */
export type Piece =
  | {
      readonly type: "lines"
      readonly lines: ReadonlyArray<LogLine>
      /** Have all lines that existed before been read? */
      readonly live: boolean
    }
  | { readonly type: "current"; readonly current: boolean }
  | { readonly type: "runEnded" }

export interface PodFeedBounds {
  /** Bytes of lines that readers may lag behind the fastest of them. */
  readonly maxBytes: number
  /** How long a reader may keep the others waiting, an essential one at a time. A tenth of the time that passes is forgiven. */
  readonly patienceMillis: number
}

const defaultBounds: PodFeedBounds = { maxBytes: 2 ** 20, patienceMillis: 1_000 }

const bytesOf = (piece: Piece): number =>
  piece.type === "lines" ? piece.lines.reduce((sum, { line }) => sum + line.length + 64, 0) : 0

/** One reader of a feed: at first only a place from which pieces are kept for it, until it is attached. */
export interface FeedReader {
  /** Attaches the reader if it lacks no line between `after` and its place. From then on the feed waits for it. */
  readonly attach: (after: LinePosition | undefined) => boolean
  /** Is the feed's newest line more than a second older than this one? */
  readonly isBehind: (line: LinePosition | undefined) => boolean
  /** The next piece, first whether the feed is current, if it's known; `lost`: the reader was too slow, and pieces are missing; or how the instance's log ended. */
  readonly take: Effect.Effect<Piece | "lost" | Followed>
  readonly isLost: () => boolean
  readonly leave: () => void
}

export interface JoinOptions {
  /** For the reader from whose place the feed starts. */
  readonly attached?: boolean | undefined
  /** Never lost once attached: others that it keeps waiting are lost instead. */
  readonly essential?: boolean | undefined
}

interface State {
  /** The number of the next piece. */
  at: number
  readonly begins: LinePosition | undefined
  attached: boolean
  lost: boolean
  readonly essential: boolean
  /** Whether the feed was current when the reader joined, until it is taken. */
  first: Piece | undefined
  /** How long others have waited for this reader, and when that was last reduced. */
  heldMillis: number
  forgivenAt: number
  wake: (() => void) | undefined
}

/**
 * The lines of one instance, read from the kubelet once, for several readers. The pieces are kept until each reader has taken
 * them, within `maxBytes`; then the source waits, so the readers go at one pace. One that keeps others waiting for longer than
 * `patienceMillis` is lost to the feed, and reads on its own. An essential one is never lost: it sets the pace, and those that it keeps
 * waiting for that long at a time are lost instead. A single reader has all the time it wants.
 */
export class PodFeed {
  readonly #bounds: PodFeedBounds
  readonly #states = new Set<State>()
  readonly #onUnused: () => void
  #pieces: Array<Piece> = []
  /** The number of the first piece. */
  #first = 0
  #bytes = 0
  #position: LinePosition | undefined
  /** The last piece of this kind. */
  #current: Piece | undefined
  /** Does the source wait for an essential reader, and others didn't want to? */
  #held = false
  #begun = false
  #outcome: Exit.Exit<Followed> | undefined
  #wakeSource: (() => void) | undefined
  /** How often a reader has moved, waited or left. */
  #moves = 0

  /** `from`: the line after which the feed begins. `onUnused`: called when the last attached reader has left. */
  constructor(from: LinePosition | undefined, onUnused: () => void, bounds: PodFeedBounds = defaultBounds) {
    this.#position = from
    this.#onUnused = onUnused
    this.#bounds = bounds
  }

  /** The source starts to read. */
  begin(): void {
    this.#begun = true
  }

  readonly give = (lines: ReadonlyArray<LogLine>, live: boolean): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.#position = lines.at(-1) ?? this.#position
      this.#push({ type: "lines", lines, live })
      return this.#isFull() ? this.#room : Effect.void
    })

  readonly tell = (piece: Exclude<Piece, { readonly type: "lines" }>): void => {
    if (piece.type === "current") this.#current = piece
    this.#push(piece)
  }

  /** No more pieces will come. */
  end(outcome: Exit.Exit<Followed>): void {
    this.#outcome = outcome
    for (const { wake } of [...this.#states]) wake?.()
  }

  join({ attached = false, essential = false }: JoinOptions = {}): FeedReader {
    const state: State = {
      at: this.#head,
      begins: this.#position,
      attached,
      lost: false,
      essential,
      first: this.#current,
      heldMillis: 0,
      forgivenAt: performance.now(),
      wake: undefined
    }
    this.#states.add(state)
    return {
      attach: (after) => {
        const covers = state.begins === undefined || (after !== undefined && comparePositions(after, state.begins) >= 0)
        if (covers && this.#begun && !state.lost && (essential || !this.#held)) state.attached = true
        return state.attached
      },
      isBehind: (line) =>
        line !== undefined && this.#position !== undefined && millisOf(line.t) - millisOf(this.#position.t) > 1_000,
      take: this.#takeFor(state),
      isLost: () => state.lost,
      leave: () => this.#leave(state)
    }
  }

  get #head(): number {
    return this.#first + this.#pieces.length
  }

  get #attached(): ReadonlyArray<State> {
    return [...this.#states].filter(({ attached }) => attached)
  }

  #push(piece: Piece): void {
    this.#pieces.push(piece)
    this.#bytes += bytesOf(piece)
    // Readers that aren't attached never delay the source.
    for (const state of [...this.#states]) {
      if (this.#bytes <= this.#bounds.maxBytes) break
      if (!state.attached) this.#lose(state)
    }
    this.#trim()
    for (const { wake } of [...this.#states]) wake?.()
  }

  #takeFor(state: State): FeedReader["take"] {
    const next = (): Effect.Effect<Piece | "lost" | Followed> | undefined => {
      if (state.lost) return Effect.succeed("lost")
      const { first } = state
      if (first !== undefined) {
        state.first = undefined
        return Effect.succeed(first)
      }
      const piece = this.#pieces[state.at - this.#first]
      if (piece === undefined) return this.#outcome
      state.at++
      if (state.essential) state.heldMillis = 0
      this.#trim()
      this.#moved()
      return Effect.succeed(piece)
    }
    return Effect.suspend(
      () =>
        next() ??
        Effect.async((resume) => {
          state.wake = () => {
            const found = next()
            if (found === undefined) return
            state.wake = undefined
            resume(found)
          }
          // It reads nothing more until the next piece, so the source may be waiting for another reader.
          this.#moved()
          return Effect.sync(() => {
            state.wake = undefined
          })
        })
    )
  }

  #slowest(): State | undefined {
    return this.#attached.reduce<State | undefined>(
      (slowest, state) => (slowest === undefined || state.at < slowest.at ? state : slowest),
      undefined
    )
  }

  /** A single reader may have one piece waiting beside the one that it handles. */
  #isFull(): boolean {
    const attached = this.#attached
    if (attached.length > 1) return this.#bytes > this.#bounds.maxBytes
    const [single] = attached
    return single !== undefined && this.#head - single.at > 1
  }

  readonly #room: Effect.Effect<void> = Effect.gen(this, function* () {
    while (this.#isFull()) {
      const slowest = this.#slowest()
      if (slowest === undefined) break
      const seen = this.#moves
      const changed = Effect.async<void>((resume) => {
        // A reader may have moved since the check, because a timeout begins in a fiber of its own.
        if (this.#moves !== seen) return resume(Effect.void)
        this.#wakeSource = () => resume(Effect.void)
        return Effect.sync(() => {
          this.#wakeSource = undefined
        })
      })
      const held = this.#attached.filter((state) => state !== slowest && state.at === this.#head)
      if (held.length === 0) {
        yield* changed
        continue
      }
      const started = performance.now()
      slowest.heldMillis = Math.max(0, slowest.heldMillis - (started - slowest.forgivenAt) / 10)
      yield* Effect.timeoutOption(changed, Math.max(0, this.#bounds.patienceMillis - slowest.heldMillis))
      slowest.forgivenAt = performance.now()
      slowest.heldMillis += slowest.forgivenAt - started
      if (slowest.heldMillis < this.#bounds.patienceMillis || !this.#isFull()) continue
      this.#held = slowest.essential
      for (const state of slowest.essential ? held : [slowest]) this.#lose(state)
    }
    this.#held = false
  })

  #moved(): void {
    this.#moves++
    this.#wakeSource?.()
  }

  #lose(state: State): void {
    this.#states.delete(state)
    state.lost = true
    state.attached = false
    this.#trim()
    state.wake?.()
  }

  #leave(state: State): void {
    const wasAttached = state.attached
    this.#lose(state)
    this.#moved()
    if (!wasAttached || this.#attached.length > 0) return
    for (const waiting of [...this.#states]) this.#lose(waiting)
    this.#onUnused()
  }

  /** Drops the pieces that no reader needs. */
  #trim(): void {
    let needed = this.#head
    for (const { at } of this.#states) needed = Math.min(needed, at)
    const done = this.#pieces.splice(0, needed - this.#first)
    this.#first = needed
    for (const piece of done) this.#bytes -= bytesOf(piece)
  }
}
