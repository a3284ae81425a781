import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** The WebSocket subprotocol of `services.openPort`. Each WebSocket is one TCP connection. */
export const portProtocol = "v1.port.maxcloud.dev"

/**
 * The most bytes that either side sends before the other has acknowledged them. A WebSocket in Node has no flow control of its own: without
 * this, a slow reader would collect a whole download in memory.
 */
export const portWindow = 1024 * 1024

/** A TCP port. */
export const TcpPort = Schema.Int.pipe(
  Schema.between(1, 65_535, { message: () => "A port is a number from 1 to 65535." })
)

/** A client's first message: the port, and the instance if it must be this one. */
export const PortStart = Schema.Struct({
  type: Schema.Literal("start"),
  port: TcpPort,
  instance: Schema.optional(
    textUpTo(253, "The instance").pipe(Schema.filter((text) => text !== "" || "The instance's name is empty."))
  )
}).annotations({ identifier: "PortStart" })
export interface PortStart extends Schema.Schema.Type<typeof PortStart> {}

/** Bytes that the sender of this message has passed on since its last one. */
const Taken = Schema.Struct({
  type: Schema.Literal("taken"),
  bytes: Schema.Int.pipe(Schema.between(1, 2 * portWindow))
})
/** No more bytes follow from the sender of this message. */
const End = Schema.Struct({ type: Schema.Literal("end") })

/** A client's later messages. Data is binary. */
export const PortInput = Schema.Union(Taken, End).annotations({ identifier: "PortInput" })
export type PortInput = typeof PortInput.Type

/** The server's messages: the connection's instance, flow control, or why the connection failed (a problem document). */
export const PortOutput = Schema.Union(
  Schema.Struct({ type: Schema.Literal("connected"), instance: Schema.String }),
  Taken,
  End,
  Schema.Struct({ type: Schema.Literal("error"), problem: Schema.Unknown })
).annotations({ identifier: "PortOutput" })
export type PortOutput = typeof PortOutput.Type
