import { type Fault, guardedBy } from "../node/guarded.ts"
import type { Downstream } from "./Downstream.ts"
import type { RequestBody } from "./RequestBody.ts"

/** A shorter limit would mistake a slow connection for a stalled one. */
const minStallMs = 30_000

export interface StallEvents {
  /** The caller has stopped reading, or stopped sending its body. */
  readonly stalled: () => void
  /** The caller has read enough to be sent more. */
  readonly drained: () => void
  readonly fault: Fault
}

/** Watches that a caller reads its answer and sends the rest of its request: a stalled one holds a slot and memory. */
export class StallWatch {
  readonly #down: Downstream
  readonly #stallMs: number
  readonly #events: StallEvents
  readonly #guarded = guardedBy((cause) => this.#events.fault(cause))
  readonly #stalled = this.#guarded(() => this.#events.stalled())
  #listensToDrain = false
  #stopped = false
  #blocked: NodeJS.Timeout | undefined
  #bodyTimer: NodeJS.Timeout | undefined

  constructor(down: Downstream, timeoutMs: number, events: StallEvents) {
    this.#down = down
    this.#stallMs = Math.max(timeoutMs, minStallMs)
    this.#events = events
  }

  /** After a write that found no room. */
  waitForDrain(): void {
    clearTimeout(this.#blocked)
    this.#blocked = setTimeout(this.#stalled, this.#stallMs)
    if (this.#listensToDrain) return
    this.#listensToDrain = true
    this.#down.onDrain(
      this.#guarded(() => {
        clearTimeout(this.#blocked)
        this.#events.drained()
      })
    )
  }

  /** Until the body ends. */
  watchBody(body: RequestBody): void {
    const look = this.#guarded(() => {
      if (this.#stopped || body.destroyed || body.readableEnded) return
      const left =
        body.waitingSince === undefined ? this.#stallMs : body.waitingSince + this.#stallMs - performance.now()
      if (left <= 0) this.#events.stalled()
      else this.#bodyTimer = setTimeout(look, left)
    })
    look()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#blocked)
    clearTimeout(this.#bodyTimer)
  }
}
