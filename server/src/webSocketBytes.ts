import type { RawData } from "ws"

/** The bytes of a WebSocket's message, however `ws` gives them. */
export const webSocketBytes = (data: RawData): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data
