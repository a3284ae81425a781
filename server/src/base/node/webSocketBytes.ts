/** A WebSocket's message, in all forms that `ws` delivers (its `RawData`). */
export type SocketBytes = Buffer | ArrayBuffer | Array<Buffer>

/** The bytes of a WebSocket's message in any of these forms. */
export const webSocketBytes = (data: SocketBytes): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data
