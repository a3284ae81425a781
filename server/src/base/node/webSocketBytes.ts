/** A WebSocket's message, in all the ways that `ws` may give it (its `RawData`). */
export type SocketBytes = Buffer | ArrayBuffer | Array<Buffer>

/** The bytes of a WebSocket's message, however `ws` gives them. */
export const webSocketBytes = (data: SocketBytes): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data
