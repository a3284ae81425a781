import type { Duplex } from "node:stream"
import { PortInput, type PortOutput, portWindow } from "@maxcloud/sdk/api"
import { Either, Schema } from "effect"
import type { RawData, WebSocket } from "ws"
import { guardedBy } from "../../base/node/guarded.ts"
import { webSocketBytes } from "../../base/node/webSocketBytes.ts"
import type { Inbox } from "./inbox.ts"
import type { RelayLimits } from "./relay.ts"

/** The bytes of a connection, seen from the caller, and why it ended if it didn't end by itself. */
export interface Relayed {
  readonly sent: number
  readonly received: number
  readonly fault: "idle" | Error | undefined
}

const decodeInput = Schema.decodeUnknownEither(Schema.parseJson(PortInput))

export const sendPortMessage = (socket: WebSocket, message: PortOutput): void => {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message))
}

/** Joins a client's WebSocket and a connection to an instance, and resolves when both directions or either side has ended. */
export class PortRelay {
  readonly #socket: WebSocket
  readonly #connection: Duplex
  readonly #guarded = guardedBy(() => this.#socket.terminate())
  #sent = 0
  #received = 0
  #unacknowledged = 0
  #answered = true
  #settled = false
  #clientEnded = false
  #moved = () => {}
  #resolve: (how: Relayed) => void = () => {}

  constructor(socket: WebSocket, connection: Duplex) {
    this.#socket = socket
    this.#connection = connection
  }

  /** So far. */
  counts() {
    return { sent: this.#sent, received: this.#received }
  }

  run(inbox: Inbox, limits: RelayLimits): Promise<Relayed> {
    return new Promise((resolve) => {
      const askClient = this.#guarded(() => {
        if (!this.#answered) return this.#socket.terminate()
        this.#answered = false
        this.#socket.ping()
      })
      const ping = setInterval(askClient, limits.pingMs)
      const onIdle = this.#guarded(() => this.#settle("idle"))
      const idle = setTimeout(onIdle, limits.idleMs)
      this.#moved = () => void idle.refresh()
      this.#resolve = (how) => {
        clearInterval(ping)
        clearTimeout(idle)
        resolve(how)
      }
      this.#listen()
      inbox.take((data, isBinary) => this.#take(data, isBinary))
    })
  }

  #settle(fault: Relayed["fault"]) {
    if (this.#settled) return
    this.#settled = true
    this.#resolve({ ...this.counts(), fault })
  }

  #listen() {
    const socket = this.#socket
    const connection = this.#connection
    const onPong = this.#guarded(() => {
      this.#answered = true
    })
    const onSocketError = this.#guarded(() => socket.terminate())
    const onSocketClose = this.#guarded(() => this.#settle(undefined))
    socket.on("pong", onPong).on("error", onSocketError).once("close", onSocketClose)
    if (socket.readyState !== socket.OPEN) return this.#settle(undefined)
    const onData = this.#guarded((chunk: Buffer) => {
      this.#moved()
      this.#received += chunk.length
      this.#unacknowledged += chunk.length
      if (this.#unacknowledged >= portWindow) connection.pause()
      if (socket.readyState === socket.OPEN) socket.send(chunk)
    })
    const onEnd = this.#guarded(() => {
      sendPortMessage(socket, { type: "end" })
      if (this.#clientEnded) this.#settle(undefined)
    })
    const onError = this.#guarded((error: Error) => this.#settle(error))
    const onClose = this.#guarded(() => this.#settle(undefined))
    connection.on("data", onData).once("end", onEnd).once("error", onError).once("close", onClose)
  }

  #take(data: RawData, isBinary: boolean) {
    const bytes = webSocketBytes(data)
    this.#moved()
    if (!isBinary) return this.#obey(bytes.toString("utf8"))
    this.#sent += bytes.length
    if (!this.#connection.writable) return
    const onWritten = this.#guarded((error?: Error | null) => {
      if (!error) sendPortMessage(this.#socket, { type: "taken", bytes: bytes.length })
    })
    // The client waits for `taken`, so pause only if it doesn't keep to the window.
    if (this.#connection.write(bytes, onWritten) || this.#connection.writableLength < 2 * portWindow) return
    this.#socket.pause()
    const goOn = this.#guarded(() => this.#socket.resume())
    this.#connection.once("drain", goOn).once("close", goOn)
  }

  #obey(text: string) {
    const input = decodeInput(text)
    if (Either.isLeft(input)) return this.#socket.close(1008, "This message doesn't follow the protocol.")
    if (input.right.type === "end") {
      this.#clientEnded = true
      this.#connection.end()
      if (this.#connection.readableEnded) this.#settle(undefined)
      return
    }
    this.#unacknowledged = Math.max(0, this.#unacknowledged - input.right.bytes)
    if (this.#unacknowledged < portWindow) this.#connection.resume()
  }
}
