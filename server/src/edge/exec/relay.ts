import type { Readable } from "node:stream"
import { ExecInput, type ExecOutput, execChannel } from "@maxcloud/sdk/api"
import { Either, Schema } from "effect"
import type { RawData, WebSocket } from "ws"
import { guardedBy } from "../../base/node/guarded.ts"
import { webSocketBytes } from "../../base/node/webSocketBytes.ts"
import type { ExecProcess } from "../../runtimes/port/Runtime.ts"
import type { Inbox } from "./inbox.ts"
import type { Limits } from "./SessionLimits.ts"

/** How long to wait for output after the program's end: a child may keep the pipe open. */
const lastOutputMs = 1_000

const decodeInput = Schema.decodeUnknownEither(Schema.parseJson(ExecInput))

export const sendMessage = (socket: WebSocket, message: ExecOutput): void => {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message))
}

/** Resolves when all output is sent. Reads the next chunk only once the client's connection has taken the previous one. */
const forward = (socket: WebSocket, stream: Readable, channel: number, moved: () => void): Promise<void> =>
  new Promise((resolve) => {
    const guarded = guardedBy(() => socket.terminate())
    const goOn = guarded(() => stream.resume())
    const onData = guarded((chunk: Buffer) => {
      moved()
      stream.pause()
      socket.send(Buffer.concat([Buffer.of(channel), chunk]), goOn)
    })
    const onError = guarded(() => resolve())
    stream.on("data", onData).once("close", resolve).once("end", resolve).on("error", onError)
  })

const take = (socket: WebSocket, process: ExecProcess, data: RawData, isBinary: boolean): void => {
  const bytes = webSocketBytes(data)
  if (!isBinary) {
    const input = decodeInput(bytes.toString("utf8"))
    if (Either.isLeft(input)) socket.close(1008, "This message doesn't follow the protocol.")
    else if (input.right.type === "resize") process.resize(input.right)
    else process.stdin.end()
  } else if (bytes[0] !== execChannel.stdin) {
    socket.close(1008, "Clients may write only to channel 0.")
  } else if (process.stdin.writable && !process.stdin.write(bytes.subarray(1))) {
    socket.pause()
    const goOn = guardedBy(() => socket.terminate())(() => socket.resume())
    process.stdin.once("drain", goOn)
  }
}

/**
 * Joins a client's WebSocket and a program, and resolves when either ends. The caller then stops the program. `idle`: nothing was
 * sent for too long.
 */
export const relay = (
  socket: WebSocket,
  inbox: Inbox,
  process: ExecProcess,
  limits: Limits
): Promise<"ended" | "idle"> =>
  new Promise((resolve) => {
    let answered = true
    let settled = false
    const guarded = guardedBy(() => socket.terminate())
    const askClient = guarded(() => {
      if (!answered) return socket.terminate()
      answered = false
      socket.ping()
    })
    const ping = setInterval(askClient, limits.pingMs)
    const onIdle = guarded(() => settle("idle"))
    const idle = setTimeout(onIdle, limits.idleMs)
    const settle = (how: "ended" | "idle") => {
      if (settled) return
      settled = true
      clearInterval(ping)
      clearTimeout(idle)
      resolve(how)
    }
    const moved = () => void idle.refresh()
    // The client no longer reads, so don't wait for buffered output.
    const onInputEnd = guarded(() => socket.resume())
    process.stdin.once("close", onInputEnd)
    const onPong = guarded(() => {
      answered = true
    })
    const onError = guarded(() => socket.terminate())
    const onClose = guarded(() => settle("ended"))
    socket.on("pong", onPong).on("error", onError).once("close", onClose)
    if (socket.readyState !== socket.OPEN) settle("ended")
    inbox.take((data, isBinary) => {
      moved()
      take(socket, process, data, isBinary)
    })
    const outputs = [
      forward(socket, process.stdout, execChannel.stdout, moved),
      ...(process.stderr === undefined ? [] : [forward(socket, process.stderr, execChannel.stderr, moved)])
    ]
    const finish = async () => {
      const code = await process.exit
      const late = new Promise<void>((resolveLate) => setTimeout(resolveLate, lastOutputMs).unref())
      await Promise.race([Promise.all(outputs), late])
      sendMessage(socket, { type: "exit", code })
      settle("ended")
    }
    finish().catch((cause: unknown) => {
      sendMessage(socket, {
        type: "error",
        problem: { detail: cause instanceof Error ? cause.message : String(cause) }
      })
      settle("ended")
    })
  })
