import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { type Fault, guardedBy, trying } from "../node/guarded.ts"
import type { Downstream, Tunnel } from "./Downstream.ts"
import { messageHead, type RawHeaders } from "./headers.ts"
import { type Refusal, type Refused, refusalResponse, unknownRequest, unreadable } from "./problem.ts"
import { joinSockets, type TunnelLimits } from "./tunnel.ts"

/** The limit for data that a caller sends before its upgrade is answered. */
const maxEarlyBytes = 64 * 1024

const noTrailers: RawHeaders = []

/** Answers a request whose connection the HTTP server has released, and closes the connection. */
export const refuseUpgrade = (
  request: IncomingMessage,
  socket: Duplex,
  refusal: Refusal,
  server: string | undefined
): void => refuseOn(socket, refusal, { path: request.url, rawHeaders: request.rawHeaders }, server)

/** Answers a request that the HTTP server couldn't parse, and closes the connection. */
export const refuseUnreadable = (code: string | undefined, socket: Duplex, server: string | undefined): void =>
  refuseOn(socket, unreadable(code), unknownRequest, server)

const refuseOn = (socket: Duplex, refusal: Refusal, refused: Refused, server: string | undefined): void => {
  const { body, headers } = refusalResponse(refusal, refused, server)
  headers.push("Connection", "close")
  socket.end(Buffer.concat([Buffer.from(messageHead(refusal.status, "", headers), "latin1"), body]))
}

/**
 * The caller of an upgrade (WebSocket, RFC 6455). Node's HTTP server has released its connection, so any answer other
 * than `101` is written by hand, and framed by closing the connection.
 */
export class UpgradeDownstream implements Downstream {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly rawHeaders: RawHeaders
  readonly hasBody = false
  readonly fullDuplex = false
  readonly body: IncomingMessage
  readonly tunnel: Tunnel
  begun = false
  readonly #socket: Duplex
  readonly #early: Array<Buffer> = []
  #earlyBytes = 0

  constructor(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    target: { readonly host: string; readonly path: string },
    limits: TunnelLimits,
    fault: Fault
  ) {
    this.method = request.method ?? "GET"
    this.path = target.path
    this.host = target.host
    this.rawHeaders = request.rawHeaders
    this.body = request
    this.#socket = socket
    const guarded = guardedBy((cause) => {
      trying(() => socket.destroy())
      fault(cause)
    })
    socket.on(
      "error",
      guarded(() => socket.destroy())
    )
    // If we don't read a connection, we never learn that its caller has left.
    const onData = guarded((chunk: Buffer) => this.#keep(chunk))
    const onEnd = guarded(() => this.#socket.destroy())
    if (head.length > 0) this.#keep(head)
    socket.on("data", onData)
    socket.on("end", onEnd)
    this.tunnel = {
      offered: request.headers.upgrade ?? "",
      join: (answer, instance, first, finish) => {
        this.begun = true
        socket.off("data", onData)
        socket.off("end", onEnd)
        socket.write(messageHead(101, answer.reason, answer.headers), "latin1")
        if (first.length > 0) socket.write(first)
        for (const chunk of this.#early.splice(0)) instance.write(chunk)
        joinSockets(socket, instance, limits, fault, finish)
      }
    }
  }

  /** Any answer but a switch doesn't use it. */
  #keep(chunk: Buffer): void {
    if (this.begun) return
    this.#early.push(chunk)
    this.#earlyBytes += chunk.length
    if (this.#earlyBytes > maxEarlyBytes) this.#socket.pause()
  }

  get remoteAddress(): string | undefined {
    return this.body.socket.remoteAddress
  }

  onClose(guardedListener: () => void): void {
    this.#socket.once("close", guardedListener)
  }

  onDrain(guardedListener: () => void): void {
    this.#socket.on("drain", guardedListener)
  }

  requestTrailers(): RawHeaders {
    return noTrailers
  }

  /** An upgrade has no body. */
  letBodyCome(): void {}

  informational(status: number, headers: RawHeaders): void {
    if (!this.begun && this.#socket.writable && !this.#socket.writableNeedDrain)
      this.#socket.write(messageHead(status, "", headers), "latin1")
  }

  head(status: number, message: string, headers: Array<string>): void {
    this.begun = true
    const fields = headers.filter((_, i) => headers[i - (i % 2)]?.toLowerCase() !== "trailer")
    fields.push("Connection", "close")
    this.#socket.write(messageHead(status, message, fields), "latin1")
    this.#early.length = 0
    this.#socket.resume()
  }

  /** Nothing is held back. */
  flush(): void {}

  write(chunk: Buffer): boolean {
    return this.#socket.write(chunk)
  }

  end(chunk: Buffer | undefined): void {
    if (chunk === undefined) this.#socket.end()
    else this.#socket.end(chunk)
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
