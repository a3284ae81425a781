import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { guardedBy } from "../../../guarded.ts"

/** Requests of one connection that may wait behind the one that is answered, before no more of it is read. */
const maxAhead = 16

type Start = () => void

interface Turns {
  readonly waiting: Array<Start>
  paused: boolean
}

/**
 * Node hands out each request of a connection as it is read, answered or not: by one connection a caller would have any number of requests
 * under way (RFC 9112, 9.3.2, lets them be sent). Here they are handled one after the other, as they are answered. Those that wait when the
 * connection ends are never begun.
 */
export class InTurn {
  readonly #turns = new WeakMap<Socket, Turns>()

  /** Calls `start`, which is guarded, when the answers before are gone. */
  take(request: IncomingMessage, response: ServerResponse, start: Start): void {
    const { socket } = request
    const turns = this.#turns.get(socket)
    if (turns !== undefined) {
      turns.waiting.push(() => this.#begin(socket, turns, response, start))
      if (turns.waiting.length >= maxAhead && !turns.paused) {
        turns.paused = true
        socket.pause()
      }
      return
    }
    const first: Turns = { waiting: [], paused: false }
    this.#turns.set(socket, first)
    this.#begin(socket, first, response, start)
  }

  #begin(socket: Socket, turns: Turns, response: ServerResponse, start: Start): void {
    const guarded = guardedBy(() => socket.destroy())
    response.once(
      "close",
      guarded(() => this.#next(socket, turns))
    )
    start()
  }

  #next(socket: Socket, turns: Turns): void {
    if (socket.destroyed) {
      turns.waiting.length = 0
      return
    }
    const begin = turns.waiting.shift()
    if (begin === undefined) this.#turns.delete(socket)
    if (turns.paused && turns.waiting.length < maxAhead) {
      turns.paused = false
      socket.resume()
    }
    begin?.()
  }
}
