import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { guardedBy } from "../node/guarded.ts"

/** How many requests of one connection may wait behind the present one before we stop reading from it. */
const maxAhead = 16

type Start = () => void

interface Turns {
  readonly waiting: Array<Start>
  answering: boolean
  paused: boolean
}

/**
 * Node hands out each request of a connection as soon as it's read, answered or not. So a caller could have any number
 * of requests in progress on one connection (RFC 9112, 9.3.2, allows sending them). Here they're handled one after the
 * other, in the order of their answers, and reading stops if too many wait. Requests that still wait when the connection
 * ends never begin.
 */
export class InTurn {
  readonly #turns = new WeakMap<Socket, Turns>()

  /** Calls `start`, which is guarded, once the answers before it have been sent. */
  take(request: IncomingMessage, response: ServerResponse, start: Start): void {
    const { socket } = request
    const turns = this.#of(socket)
    const begin = () => {
      turns.answering = true
      response.once(
        "close",
        guardedBy(() => socket.destroy())(() => this.#next(socket, turns))
      )
      start()
    }
    if (!turns.answering) {
      begin()
      return
    }
    turns.waiting.push(begin)
    if (turns.waiting.length < maxAhead) return
    turns.paused = true
    socket.pause()
  }

  #of(socket: Socket): Turns {
    const known = this.#turns.get(socket)
    if (known !== undefined) return known
    const turns: Turns = { waiting: [], answering: false, paused: false }
    this.#turns.set(socket, turns)
    // Node resumes the connection whenever one of its requests is read.
    socket.on(
      "resume",
      guardedBy(() => socket.destroy())(() => {
        if (turns.paused) socket.pause()
      })
    )
    return turns
  }

  #next(socket: Socket, turns: Turns): void {
    turns.answering = false
    if (socket.destroyed) {
      turns.waiting.length = 0
      return
    }
    const begin = turns.waiting.shift()
    if (turns.paused && turns.waiting.length < maxAhead) {
      turns.paused = false
      socket.resume()
    }
    begin?.()
  }
}
