import type { Duplex } from "node:stream"
import { PortInput, type PortOutput, portWindow } from "@maxcloud/sdk/api"
import { Either, Schema } from "effect"
import type { RawData, WebSocket } from "ws"
import { guardedBy } from "../../base/node/guarded.ts"
import { webSocketBytes } from "../../base/node/webSocketBytes.ts"
import type { Inbox } from "./inbox.ts"
import type { Limits } from "./SessionLimits.ts"

/** The bytes of a connection, seen from the caller, and why it ended if it didn't end by itself. */
export interface Relayed {
  readonly sent: number
  readonly received: number
  /** `halfOpen`: nothing moved after the client's end. */
  readonly fault: "idle" | "halfOpen" | Error | undefined
}

/** The most that one `taken` may acknowledge. */
const mostTaken = 2 * portWindow

const decodeInput = Schema.decodeUnknownEither(Schema.parseJson(PortInput))

export const sendPortMessage = (socket: WebSocket, message: PortOutput, sent?: () => void): void => {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message), sent)
}

/** Joins a client's WebSocket and a connection to an instance, and resolves when both directions or either side has ended. */
export class PortRelay {
  readonly #socket: WebSocket
  readonly #connection: Duplex
  readonly #guarded = guardedBy(() => this.#socket.terminate())
  #sent = 0
  #received = 0
  /** Bytes for the client that are still in this process. */
  #unsent = 0
  /** Bytes for the client that it hasn't acknowledged, sent or not. */
  #unacknowledged = 0
  /** Bytes that the connection has taken, and the client doesn't know it yet. */
  #taken = 0
  #telling = false
  #answered = true
  #settled = false
  #clientEnded = false
  #programEnded = false
  #closed = false
  #moved = () => {}
  #awaitQuiet = () => {}
  #resolve: (how: Relayed) => void = () => {}

  constructor(socket: WebSocket, connection: Duplex) {
    this.#socket = socket
    this.#connection = connection
  }

  /** So far. */
  counts() {
    return { sent: this.#sent, received: this.#received }
  }

  run(inbox: Inbox, limits: Limits): Promise<Relayed> {
    return new Promise((resolve) => {
      const askClient = this.#guarded(() => {
        if (!this.#answered) return this.#socket.terminate()
        this.#answered = false
        this.#socket.ping()
      })
      const ping = setInterval(askClient, limits.pingMs)
      const onIdle = this.#guarded(() => this.#settle("idle"))
      const idle = setTimeout(onIdle, limits.idleMs)
      let quiet: NodeJS.Timeout | undefined
      const onQuiet = this.#guarded(() => {
        // A slow reader at either side isn't quiet.
        if (this.#unacknowledged > 0 || this.#connection.writableLength > 0) quiet?.refresh()
        else this.#settle("halfOpen")
      })
      this.#awaitQuiet = () => {
        quiet ??= setTimeout(onQuiet, limits.halfOpenMs)
      }
      this.#moved = () => {
        if (this.#settled) return
        idle.refresh()
        quiet?.refresh()
      }
      this.#resolve = (how) => {
        clearInterval(ping)
        clearTimeout(idle)
        clearTimeout(quiet)
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

  /** Both directions have ended, and the client has read everything: closing the WebSocket earlier would cut off a slow client. */
  #finish() {
    if (this.#programEnded && (this.#clientEnded || this.#closed) && this.#unacknowledged === 0) this.#settle(undefined)
  }

  #refuse(why: string) {
    this.#socket.close(1008, why)
    this.#settle(undefined)
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
    const onData = this.#guarded((chunk: Buffer) => this.#pass(chunk))
    const onEnd = this.#guarded(() => {
      this.#programEnded = true
      sendPortMessage(socket, { type: "end" })
      this.#finish()
    })
    const onError = this.#guarded((error: Error) => this.#settle(error))
    const onClose = this.#guarded(() => {
      this.#closed = true
      if (this.#programEnded) this.#finish()
      else this.#settle(undefined)
    })
    connection.on("data", onData).once("end", onEnd).once("error", onError).once("close", onClose)
  }

  /** Brakes by both counts: a client may acknowledge what it hasn't read, and then all of it would wait in this process. */
  #pass(chunk: Buffer) {
    this.#moved()
    this.#received += chunk.length
    if (this.#settled || this.#socket.readyState !== this.#socket.OPEN) return void this.#connection.pause()
    this.#unsent += chunk.length
    this.#unacknowledged += chunk.length
    this.#brake()
    const onSent = this.#guarded(() => {
      this.#unsent -= chunk.length
      this.#brake()
    })
    this.#socket.send(chunk, onSent)
  }

  #brake() {
    if (this.#unacknowledged >= portWindow || this.#unsent >= portWindow) this.#connection.pause()
    else this.#connection.resume()
  }

  #take(data: RawData, isBinary: boolean) {
    if (this.#settled) return
    const bytes = webSocketBytes(data)
    this.#moved()
    if (!isBinary) return this.#obey(bytes.toString("utf8"))
    if (this.#clientEnded) return this.#refuse("No data may follow the end.")
    if (!this.#connection.writable) return
    this.#sent += bytes.length
    const onWritten = this.#guarded((error?: Error | null) => {
      if (error) return
      this.#moved()
      this.#taken += bytes.length
      this.#tell()
    })
    // The client waits for `taken`, so pause only if it doesn't keep to the window.
    if (this.#connection.write(bytes, onWritten) || this.#connection.writableLength < 2 * portWindow) return
    this.#socket.pause()
    const goOn = this.#guarded(() => this.#socket.resume())
    this.#connection.once("drain", goOn).once("close", goOn)
  }

  /** One message at a time: a client that doesn't read would otherwise collect one for each of its own. */
  #tell() {
    if (this.#telling || this.#taken === 0) return
    this.#telling = true
    const bytes = Math.min(this.#taken, mostTaken)
    this.#taken -= bytes
    const onTold = this.#guarded(() => {
      this.#telling = false
      this.#tell()
    })
    sendPortMessage(this.#socket, { type: "taken", bytes }, onTold)
  }

  #obey(text: string) {
    const input = decodeInput(text)
    if (Either.isLeft(input)) return this.#refuse("This message doesn't follow the protocol.")
    if (input.right.type === "end") {
      this.#clientEnded = true
      this.#connection.end()
      this.#awaitQuiet()
      return this.#finish()
    }
    if (input.right.bytes > this.#unacknowledged) return this.#refuse("More bytes were acknowledged than sent.")
    this.#unacknowledged -= input.right.bytes
    this.#brake()
    this.#finish()
  }
}
