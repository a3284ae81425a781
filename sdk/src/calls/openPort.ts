import { Deferred, Effect, Either, Exit, Schema, type Scope } from "effect"
import { ApiError, PortOutput, PortStart, portProtocol, portWindow, type ServiceId } from "../api/index.ts"
import { type CallError, UnexpectedAnswer } from "../errors.ts"
import { parse } from "../input/parse.ts"
import type { Connection } from "../transport/connection.ts"

export interface OpenPortOptions {
  /** Connect to this instance. @default one that is running, or may be started */
  readonly instance?: string | undefined
}

/**
 * A TCP connection to a port of an instance, as Web Streams: `Duplex.fromWeb(connection)` of `node:stream` makes a socket of it. It closes
 * with the scope. Both streams fail with the reason if the connection does.
 */
export interface PortConnection {
  readonly instance: string
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Closing it tells the program that no more bytes follow. */
  readonly writable: WritableStream<Uint8Array>
}

/** The largest binary message. The server accepts up to 1 MiB. */
const chunkBytes = 64 * 1024

const decodeOutput = Schema.decodeUnknownEither(Schema.parseJson(PortOutput))
const decodeProblem = Schema.decodeUnknownEither(ApiError)
const detailOf = Schema.decodeUnknownEither(Schema.Struct({ detail: Schema.String }))

/** Joins a WebSocket and two streams. */
class Streams {
  readonly readable: PortConnection["readable"]
  readonly writable: PortConnection["writable"]
  readonly #socket: WebSocket
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined
  /** Received bytes that the reader hasn't taken. */
  readonly #early: Array<Uint8Array<ArrayBuffer>> = []
  #wanted: (() => void) | undefined
  #unacknowledged = 0
  #roomier: (() => void) | undefined
  #ended = false
  #failure: CallError | undefined

  constructor(socket: WebSocket) {
    this.#socket = socket
    this.readable = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => this.#pull(),
        cancel: () => socket.close()
      },
      { highWaterMark: 0 }
    )
    this.writable = new WritableStream<Uint8Array>({
      write: (bytes) => this.#write(bytes),
      close: () => this.#send(JSON.stringify({ type: "end" })),
      abort: () => socket.close()
    })
  }

  #send(message: string | Uint8Array<ArrayBuffer>) {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(message)
  }

  async #pull() {
    while (this.#early.length === 0 && !this.#ended && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wanted = resolve
      })
    }
    const bytes = this.#early.shift()
    if (bytes !== undefined) {
      this.#controller?.enqueue(bytes)
      return this.#send(JSON.stringify({ type: "taken", bytes: bytes.length }))
    }
    if (this.#failure !== undefined) this.#controller?.error(this.#failure)
    else this.#controller?.close()
  }

  async #write(bytes: Uint8Array) {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      while (this.#unacknowledged >= portWindow && this.#failure === undefined) {
        await new Promise<void>((resolve) => {
          this.#roomier = resolve
        })
      }
      if (this.#failure !== undefined) throw this.#failure
      const chunk = new Uint8Array(bytes.subarray(at, at + chunkBytes))
      this.#unacknowledged += chunk.length
      this.#send(chunk)
    }
  }

  data(bytes: Uint8Array<ArrayBuffer>) {
    if (bytes.length === 0) return
    this.#early.push(bytes)
    this.#wake()
  }

  taken(bytes: number) {
    this.#unacknowledged = Math.max(0, this.#unacknowledged - bytes)
    this.#wake()
  }

  end() {
    this.#ended = true
    this.#wake()
  }

  fail(error: CallError) {
    this.#failure ??= error
    this.#wake()
  }

  /** The server closed the connection. After its end of the data that isn't a failure for the reader. */
  closed(error: CallError) {
    if (!this.#ended) this.fail(error)
    else {
      this.#failure ??= error
      this.#wake()
    }
  }

  #wake() {
    this.#wanted?.()
    this.#roomier?.()
  }
}

export const makeOpenPort =
  ({ apiUrl, socket }: Connection) =>
  (
    service: Effect.Effect<{ readonly id: ServiceId }, CallError>,
    port: number,
    { instance }: OpenPortOptions
  ): Effect.Effect<PortConnection, CallError, Scope.Scope> =>
    Effect.gen(function* () {
      const start = yield* parse(PortStart)({ type: "start", port, ...(instance === undefined ? {} : { instance }) })
      const path = `/api/v1/services/${(yield* service).id}/port`
      const opened = yield* socket(path, portProtocol)
      const connected = yield* Deferred.make<string, CallError>()
      const streams = new Streams(opened)
      const unexpected = (detail: string) => new UnexpectedAnswer({ url: `${apiUrl}${path}`, status: 101, detail })
      const fail = (error: CallError) => {
        Deferred.unsafeDone(connected, Exit.fail(error))
        streams.fail(error)
      }
      const failedBy = (problem: unknown): CallError =>
        Either.getOrElse(decodeProblem(problem), () =>
          unexpected(
            Either.match(detailOf(problem), { onLeft: () => "the connection failed", onRight: (each) => each.detail })
          )
        )
      const onText = (text: string) => {
        const message = decodeOutput(text)
        if (Either.isLeft(message)) return fail(unexpected(message.left.message))
        switch (message.right.type) {
          case "connected":
            return Deferred.unsafeDone(connected, Exit.succeed(message.right.instance))
          case "taken":
            return streams.taken(message.right.bytes)
          case "end":
            return streams.end()
          case "error":
            return fail(failedBy(message.right.problem))
        }
      }
      opened.addEventListener("message", ({ data }) => {
        if (typeof data === "string") onText(data)
        else if (data instanceof ArrayBuffer) streams.data(new Uint8Array(data))
      })
      opened.addEventListener("close", ({ reason }) => {
        const error = unexpected(`the connection closed${reason === "" ? "" : `: ${reason}`}`)
        Deferred.unsafeDone(connected, Exit.fail(error))
        streams.closed(error)
      })
      // Whoever closes it expects no fault.
      yield* Effect.addFinalizer(() => Effect.sync(() => streams.end()))
      opened.send(JSON.stringify(start))
      return {
        instance: yield* Deferred.await(connected),
        readable: streams.readable,
        writable: streams.writable
      }
    })
