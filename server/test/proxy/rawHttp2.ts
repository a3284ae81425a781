import type { Socket } from "node:net"

/** HTTP/2 by hand (RFC 9113), for tests: an instance that sends what no library would. */

export const frameTypes = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8
} as const
export const flags = { endStream: 1, endHeaders: 4, ack: 1 } as const

export const frame = (type: number, flag: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flag, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** An integer with a seven-bit prefix (RFC 7541, 5.1), and the bytes of a string without Huffman coding (5.2). */
const string = (text: string): Buffer => {
  const bytes = Buffer.from(text, "latin1")
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest = Math.trunc(rest / 128)) length.push((rest % 128) + 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

/** Literal fields without indexing (RFC 7541, 6.2.2). */
export const fieldBlock = (fields: ReadonlyArray<readonly [string, string]>): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), string(name), string(value)]))

const preface = 24

/** Speaks just enough HTTP/2 on a connection to find the id of each request's stream. */
export const onRequests = (socket: Socket, onRequest: (stream: number) => void): void => {
  let bytes = Buffer.alloc(0)
  let skip = preface
  socket.write(frame(frameTypes.settings, 0, 0))
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    if (bytes.length < skip) return
    bytes = bytes.subarray(skip)
    skip = 0
    while (bytes.length >= 9) {
      const length = bytes.readUIntBE(0, 3)
      if (bytes.length < 9 + length) return
      const [type, flag, stream] = [bytes.readUInt8(3), bytes.readUInt8(4), bytes.readUInt32BE(5)]
      const payload = Buffer.from(bytes.subarray(9, 9 + length))
      bytes = bytes.subarray(9 + length)
      if (type === frameTypes.settings && (flag & flags.ack) === 0)
        socket.write(frame(frameTypes.settings, flags.ack, 0))
      if (type === frameTypes.ping && (flag & flags.ack) === 0)
        socket.write(frame(frameTypes.ping, flags.ack, 0, payload))
      if (type === frameTypes.headers) onRequest(stream)
    }
  })
}
