import { Readable } from "node:stream"
import { guardedBy } from "../node/guarded.ts"
import type { Downstream } from "./Downstream.ts"

/**
 * A request's body for one attempt at an instance. Nothing is read from the caller until the instance's connection asks
 * for it, so an attempt with a refused connection leaves the whole body for the next, and ending an attempt doesn't end
 * the caller.
 */
export class RequestBody extends Readable {
  /** Has any of the body been requested? Then it can't be sent again. */
  consumed = false
  /**
   * Epoch milliseconds since when the instance has been ready for more without getting any; undefined: it isn't ready.
   */
  waitingSince: number | undefined
  readonly #downstream: Downstream

  constructor(downstream: Downstream) {
    super({ highWaterMark: 64 * 1024 })
    this.#downstream = downstream
    // Its attempt ends with the exchange, which notices the caller's end by itself.
    this.on(
      "error",
      this.#guarded(() => {})
    )
  }

  override _read(): void {
    const { body } = this.#downstream
    this.waitingSince ??= performance.now()
    if (this.consumed) {
      body.resume()
      return
    }
    this.consumed = true
    body.on("data", this.#data)
    body.on("end", this.#end)
    body.on("close", this.#close)
    if (body.readableEnded) this.#end()
    this.#downstream.letBodyCome()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { body } = this.#downstream
    if (this.consumed) {
      body.off("data", this.#data)
      body.off("end", this.#end)
      body.off("close", this.#close)
      // Unless somebody else reads the rest by now.
      if (body.listenerCount("data") === 0) body.pause()
    }
    done(error)
  }

  readonly #guarded = guardedBy((cause) => this.destroy(cause instanceof Error ? cause : new Error(String(cause))))

  readonly #data = this.#guarded((chunk: Buffer) => {
    const hasRoom = this.push(chunk)
    this.waitingSince = hasRoom ? performance.now() : undefined
    if (!hasRoom) this.#downstream.body.pause()
  })

  readonly #end = this.#guarded(() => {
    this.waitingSince = undefined
    this.push(null)
  })

  readonly #close = this.#guarded(() => {
    if (!this.#downstream.body.readableEnded) this.destroy(new Error("the caller left before the end of its request"))
  })
}
