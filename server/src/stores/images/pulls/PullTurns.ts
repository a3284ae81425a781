import { Effect } from "effect"
import { nextPull, type PullLimits, type Queued } from "./pullQueue.ts"

interface Place extends Queued {
  readonly begin: () => void
}

/** Makes pulls wait until `nextPull` selects them. */
export class PullTurns {
  readonly #limits: PullLimits
  #running: ReadonlyArray<Queued> = []
  #waiting: ReadonlyArray<Place> = []

  constructor(limits: PullLimits) {
    this.#limits = limits
  }

  /** A turn, for as long as the effect runs. */
  inTurn<A, E>({ organization, registry }: Queued, effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      let place: Place | undefined
      const entered = Effect.async<void>((resume) => {
        place = { organization, registry, begin: () => resume(Effect.void) }
        this.#waiting = [...this.#waiting, place]
        this.#giveTurns()
      })
      const leave = Effect.sync(() => {
        this.#waiting = this.#waiting.filter((value) => value !== place)
        this.#running = this.#running.filter((value) => value !== place)
        this.#giveTurns()
      })
      return Effect.ensuring(Effect.zipRight(entered, effect), leave)
    })
  }

  #giveTurns(): void {
    for (;;) {
      const next = nextPull(this.#limits, this.#running, this.#waiting)
      if (next === undefined) return
      this.#running = [...this.#running, next]
      this.#waiting = this.#waiting.filter((value) => value !== next)
      next.begin()
    }
  }
}
