import * as fc from "fast-check"
import { fieldBlock, flags, frame, frameTypes } from "./rawHttp2.ts"

/** An instance's behaviour once it has received a request. */
export interface Script {
  readonly chunks: ReadonlyArray<Buffer>
  readonly last: "end" | "destroy" | "reset" | "keep"
}

export const callers = ["get", "head", "post", "old", "upgrade", "get2", "post2"] as const
export type CallerKind = (typeof callers)[number]

export interface Case {
  readonly caller: CallerKind
  readonly protocol: "http1" | "h2c"
  /** For HTTP/2 the script is created when the stream's id is known. */
  readonly script: (stream: number) => Script
}

const last = fc.constantFrom<Script["last"]>("end", "end", "end", "destroy", "reset", "keep")
const caller = fc.constantFrom(...callers)

/** Mostly valid: if the first byte of an answer is wrong, nobody reads the second. */
const mostly = <A>(right: fc.Arbitrary<A>, wrong: fc.Arbitrary<A>): fc.Arbitrary<A> =>
  fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: wrong })

const rarely = <A>(arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A | null> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })

const status = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.constantFrom("200", "200", "201", "204", "205", "206", "301", "304", "404", "500", "599")
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("000", "042", "099", "100", "101", "102", "103", "199", "600", "700", "999")
  },
  { weight: 1, arbitrary: fc.constantFrom("", "2x0", "-20", "1000", "0200", " 200", "2e2", "NaN") }
)
const oddText = fc.oneof(
  fc.constantFrom(
    "",
    "OK",
    "a\x01b",
    "\x7f",
    "\xfcber",
    "\xc3\xbc",
    "a\tb",
    "a\rb",
    "a\nb",
    "\0",
    "x".repeat(5_000),
    "\x80\xff"
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 6 })
)
const names = [
  ..."te trailer transfer-encoding connection upgrade keep-alive content-length link set-cookie __proto__ constructor".split(
    " "
  ),
  ..."http2-settings proxy-connection date content-type host location x-a X-A Vary toString hasOwnProperty".split(" "),
  ...["bad name", "", ":status", ":path", "x\0", "\xfc", "Sec-WebSocket-Accept", "content-encoding", "x".repeat(3_000)]
]
const tokens = names.filter(
  (name) => /^[\w-]+$/.test(name) && name !== "content-length" && name !== "transfer-encoding"
)
const values = [
  ..."trailers chunked gzip close keep-alive Upgrade websocket h2c 0 2 3 -1 99999999999999999999 2,2 0x2 +2".split(" "),
  ...[
    "chunked, chunked",
    "x-a, te",
    "</a>; rel=preload, </b>; rel=x",
    "not a link",
    "a=b; Path=/",
    "identity",
    "gzip, chunked"
  ]
]
const field = fc.tuple(fc.oneof(fc.constantFrom(...names), oddText), fc.oneof(fc.constantFrom(...values), oddText))
const goodField = fc.constantFrom<[string, string]>(
  ["x-a", "b"],
  ["Set-Cookie", "a=b"],
  ["Link", "</a>; rel=x"],
  ["Content-Type", "text/plain"]
)
const fields = fc.array(
  mostly(fc.oneof(goodField, fc.tuple(fc.constantFrom(...tokens), fc.constantFrom(...values))), field),
  {
    maxLength: 4
  }
)
const lineEnd = mostly(mostly(fc.constant("\r\n"), fc.constant("\r\n")), fc.constantFrom("\n", "\r", ""))
const version = mostly(
  fc.constant("HTTP/1.1"),
  fc.constantFrom("HTTP/1.0", "HTTP/2.0", "ICY", "http/1.1", "HTTP/1.1 ", "")
)

const head = (statusOf: fc.Arbitrary<string>, extra: ReadonlyArray<readonly [string, string]>) =>
  fc
    .record({ version, status: statusOf, reason: mostly(fc.constant("OK"), oddText), fields, end: lineEnd })
    .map(
      (each) =>
        `${each.version} ${each.status} ${each.reason.slice(0, 5_000)}${each.end}` +
        [...each.fields, ...extra].map(([name, value]) => `${name}: ${value}${each.end}`).join("") +
        each.end
    )

const trailers = fields.map((all) => all.map(([name, value]) => `${name}: ${value}\r\n`).join(""))
const body = fc.oneof(
  fc.constant({ extra: [] as Array<[string, string]>, bytes: "" }),
  fc.constant({ extra: [] as Array<[string, string]>, bytes: "until the end" }),
  fc.record({ length: fc.nat(40), bytes: mostly(fc.constant(-1), fc.nat(40)) }).map(({ bytes, length }) => ({
    extra: [["Content-Length", String(length)]] as Array<[string, string]>,
    bytes: "x".repeat(bytes === -1 ? length : bytes)
  })),
  fc
    .record({ size: fc.constantFrom("5", "5", "5", "05", "ZZ", "-5", "5;x=y", "ffffffffffffffff", ""), trailers })
    .map((each) => ({
      extra: [["Transfer-Encoding", "chunked"]] as Array<[string, string]>,
      bytes: `${each.size}\r\nhello\r\n0\r\n${each.trailers}\r\n`
    })),
  fc.constant({
    extra: [
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"]
    ] as Array<[string, string]>,
    bytes: "\x81\x02hi"
  })
)

export const http1Text = fc
  .record({
    before: fc.array(head(fc.constantFrom("100", "102", "103", "103", "199", "101"), []), { maxLength: 2 }),
    body,
    after: fc.oneof(
      { weight: 6, arbitrary: fc.constant("") },
      { weight: 1, arbitrary: fc.constantFrom("extra", "HTTP/1.1 200 OK\r\n\r\n") }
    )
  })
  .chain(({ after, before, body }) =>
    head(status, body.extra).map((value) => before.join("") + value + body.bytes + after)
  )

/** Bytes flipped, cut and split, as by a broken program or line. */
const broken = (whole: Buffer) =>
  fc
    .record({
      turned: rarely(fc.record({ at: fc.nat(), to: fc.nat(255) })),
      cut: rarely(fc.nat()),
      split: rarely(fc.nat()),
      last
    })
    .map(({ cut, last, split, turned }): Script => {
      const bytes = Buffer.from(cut === null ? whole : whole.subarray(0, cut % (whole.length + 1)))
      if (turned !== null && bytes.length > 0) bytes[turned.at % bytes.length] = turned.to
      const at = split === null ? bytes.length : split % (bytes.length + 1)
      return { chunks: [bytes.subarray(0, at), bytes.subarray(at)].filter((each) => each.length > 0), last }
    })

const http1Case: fc.Arbitrary<Case> = fc
  .tuple(caller, http1Text)
  .chain(([caller, text]) =>
    broken(Buffer.from(text, "latin1")).map((script) => ({ caller, protocol: "http1", script: () => script }))
  )

type Frame = (stream: number) => Buffer
const block = (list: ReadonlyArray<readonly [string, string]>) =>
  fieldBlock(list.map(([name, value]) => [name.toLowerCase(), value]))
const headers = (statusOf: fc.Arbitrary<string>): fc.Arbitrary<Frame> =>
  fc.record({ status: statusOf, fields, end: fc.constantFrom(0, 0, 0, flags.endStream) }).map((generated) => {
    const bytes = block([[":status", generated.status], ...generated.fields])
    return (stream) => frame(frameTypes.headers, flags.endHeaders | generated.end, stream, bytes)
  })
const oddFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.nat(20).map(
    (code): Frame =>
      (stream) =>
        frame(frameTypes.rstStream, 0, stream, Buffer.from([0, 0, 0, code]))
  ),
  fc.nat(20).map(
    (code): Frame =>
      (stream) =>
        frame(frameTypes.goAway, 0, 0, Buffer.from([0, 0, 0, code % 2 ? 0 : stream & 255, 0, 0, 0, code]))
  ),
  fc.constant<Frame>((stream) => frame(frameTypes.windowUpdate, 0, stream, Buffer.alloc(4))),
  fc.constant<Frame>(() => frame(frameTypes.ping, 0, 0, Buffer.alloc(8))),
  fc
    .record({
      type: fc.nat(12),
      flag: fc.nat(255),
      payload: fc.uint8Array({ maxLength: 40 }),
      id: fc.constantFrom(0, 1, 2)
    })
    .map(
      (each): Frame =>
        (stream) =>
          frame(each.type, each.flag, each.id === 1 ? stream : each.id, Buffer.from(each.payload))
    )
)
const maybe = (one: fc.Arbitrary<Frame>) => fc.array(one, { maxLength: 1 })
const data = fc.record({ bytes: fc.nat(40), end: fc.constantFrom(0, flags.endStream) }).map(
  (generated): Frame =>
    (stream) =>
      frame(frameTypes.data, generated.end, stream, Buffer.alloc(generated.bytes, "x"))
)
const trailerFrame = fields.map((list): Frame => {
  const bytes = block(list)
  return (stream) => frame(frameTypes.headers, flags.endHeaders | flags.endStream, stream, bytes)
})

const h2cCase: fc.Arbitrary<Case> = fc
  .record({
    caller,
    frames: fc
      .tuple(
        fc.array(headers(fc.constantFrom("100", "103", "103", "102", "101", "199")), { maxLength: 2 }),
        maybe(oddFrame),
        headers(status).map((header) => [header]),
        fc.array(data, { maxLength: 2 }),
        maybe(oddFrame),
        maybe(trailerFrame)
      )
      .map((parts) => parts.flat()),
    cut: rarely(fc.nat()),
    turned: rarely(fc.record({ at: fc.nat(), to: fc.nat(255) })),
    last
  })
  .map(({ caller, cut, frames, last, turned }) => ({
    caller,
    protocol: "h2c",
    script: (stream) => {
      const whole = Buffer.concat(frames.map((frame) => frame(stream)))
      const bytes = cut === null ? whole : whole.subarray(0, cut % (whole.length + 1))
      if (turned !== null && bytes.length > 0) bytes[turned.at % bytes.length] = turned.to
      return { chunks: [bytes], last }
    }
  }))

export const anyCase: fc.Arbitrary<Case> = fc.oneof(
  { weight: 3, arbitrary: http1Case },
  { weight: 2, arbitrary: h2cCase }
)

const link = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=x, </b>; rel=y\r\n\r\n"
const answers = [
  `${link}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello`,
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-a\r\n\r\n5\r\nhello\r\n0\r\nx-a: b\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"
]
const frames = (stream: number) =>
  Buffer.concat([
    frame(
      frameTypes.headers,
      flags.endHeaders,
      stream,
      fieldBlock([
        [":status", "103"],
        ["link", "</a>; rel=x"]
      ])
    ),
    frame(
      frameTypes.headers,
      flags.endHeaders,
      stream,
      fieldBlock([
        [":status", "200"],
        ["x-a", "b"]
      ])
    ),
    frame(frameTypes.data, 0, stream, Buffer.from("hello")),
    frame(frameTypes.headers, flags.endHeaders | flags.endStream, stream, fieldBlock([["grpc-status", "0"]]))
  ])

/** Complete answers cut after each of their bytes, in each way, for each kind of caller. */
export function* cutEverywhere(): Generator<Case> {
  for (const last of ["end", "destroy", "reset"] as const) {
    for (const caller of callers) {
      for (const answer of answers)
        for (let at = 0; at <= answer.length; at++) {
          const chunks = at === 0 ? [] : [Buffer.from(answer.slice(0, at), "latin1")]
          yield { caller, protocol: "http1", script: () => ({ chunks, last }) }
        }
      for (let at = 0; at <= frames(1).length; at++)
        yield { caller, protocol: "h2c", script: (stream) => ({ chunks: [frames(stream).subarray(0, at)], last }) }
    }
  }
}
