import type { Duplex } from "node:stream"
import { PassThrough } from "node:stream"
import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { type Answer, Malformed } from "./answer.ts"
import {
  arrived,
  type Circumstances,
  type ExchangeEffect,
  type ExchangeEvent,
  type Exchanging,
  step
} from "./exchanging.ts"
import type { Lease } from "./Route.ts"

const http1: Circumstances = { isHead: false, protocol: "http1", timeoutMs: 1_000 }
const noop = () => {}
const lease: Lease = { host: "127.0.0.1", port: 1, release: noop, answered: noop, overdue: noop, failed: noop }
const socket: Duplex = new PassThrough()
const answer = (status: number, contentLength = -1): Answer => ({ status, reason: "", headers: [], contentLength })

const head = (status: number, contentLength = -1, ended = false): ExchangeEvent => ({
  type: "head",
  answer: answer(status, contentLength),
  ended,
  begun: false
})
const data = (text: string): ExchangeEvent => ({ type: "data", chunk: Buffer.from(text) })
const end: ExchangeEvent = { type: "end", trailers: [], begun: true }
const failed = (failure: "unprocessed" | "dropped" | "malformed" | "invalid", consumed = false): ExchangeEvent => ({
  type: "failed",
  code: "ECONNRESET",
  failure,
  consumed
})
const leased: ExchangeEvent = { type: "leased", lease }
type Case = readonly [
  name: string,
  events: ReadonlyArray<ExchangeEvent>,
  effects: ReadonlyArray<string>,
  at: Circumstances
]
const sent: ReadonlyArray<ExchangeEvent> = [{ type: "again" }, leased]

const run = (events: ReadonlyArray<ExchangeEvent>, at: Circumstances = http1) => {
  const effects: Array<ExchangeEffect> = []
  let state: Exchanging = arrived
  for (const event of events) {
    // As the caller's side reports it.
    const begun = effects.some((effect) => ["flush", "write", "end", "refuse"].includes(effect.do))
    const [next, more] = step(state, "begun" in event ? { ...event, begun } : event, at)
    state = next
    effects.push(...more)
  }
  return { state, effects }
}

/** The effects of the last event, each as a word or two. */
const last = (events: ReadonlyArray<ExchangeEvent>, at: Circumstances = http1) => {
  const before = run(events.slice(0, -1), at)
  const event = events.at(-1)
  if (event === undefined) throw new Error("no event")
  return step(before.state, event, at)[1].map((effect) =>
    effect.do === "refuse"
      ? `refuse ${effect.refusal.status}`
      : effect.do === "write" || effect.do === "end"
        ? `${effect.do} ${effect.chunk?.toString() ?? ""}`.trim()
        : effect.do
  )
}

describe("a request on its way through the proxy", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<ExchangeEvent>, ReadonlyArray<string>, Circumstances?]> = [
    ["asks for a slot first", [{ type: "again" }], ["acquire"]],
    ["is sent once it has one", [...sent], ["send"]],
    [
      "gives back a slot that arrives after the caller has left",
      [{ type: "again" }, { type: "held" }, { type: "callerGone" }, leased],
      ["giveBack"]
    ],
    [
      "is refused with the reason why it got no slot",
      [
        { type: "again" },
        { type: "notLeased", refusal: { status: 503, tag: "NoInstance", detail: "", retryAfterSeconds: 1 } }
      ],
      ["settle", "refuse 503"]
    ],
    [
      "holds its head back for the first bytes of the body",
      [...sent, head(200)],
      ["answered", "flushSoon", "watchBody"]
    ],
    ["answers with head and body in one write", [...sent, head(200, 2), data("ok")], ["head", "end ok"]],
    ["forwards a body of unknown length", [...sent, head(200), data("o")], ["head", "write o"]],
    ["sends its head alone if no body comes soon", [...sent, head(200), { type: "flush" }], ["head", "flush"]],
    [
      "cuts everything beyond the announced length",
      [...sent, head(200, 2), data("o"), data("kHTTP/1.1 200")],
      ["settle", "end k"]
    ],
    [
      "drops an HTTP/2 connection on which more data arrives",
      [...sent, head(200, 2), data("okay")],
      ["settle", "head", "end ok", "abort"],
      { ...http1, protocol: "h2c" }
    ],
    ["has no body with 204", [...sent, head(204)], ["answered", "settle", "head", "end"]],
    ["has no body to HEAD", [...sent, head(200, 9)], ["answered", "settle", "head", "end"], { ...http1, isHead: true }],
    [
      "doesn't leave the rest of a 205 to the next",
      [...sent, head(205)],
      ["answered", "settle", "head", "end", "abort"]
    ],
    ["ends when its answer does", [...sent, head(200), data("o"), end], ["settle", "end"]],
    [
      "is aborted when its answer ends too early",
      [...sent, head(200, 5), data("o"), end],
      ["settle", "breakOff", "abort"]
    ],
    [
      "is answered with 502 when the instance's answer isn't HTTP",
      [...sent, { type: "head", answer: new Malformed("no"), ended: false, begun: false }],
      ["settle", "refuse 502", "abort"]
    ],
    [
      "goes to another instance if none has begun with it",
      [...sent, failed("unprocessed")],
      ["instanceGone", "release", "countRetry", "acquire"]
    ],
    [
      "is sent only once if an instance may have begun",
      [...sent, failed("dropped")],
      ["instanceGone", "release", "settle", "refuse 502"]
    ],
    [
      "is sent only once if its body was consumed",
      [...sent, failed("unprocessed", true)],
      ["instanceGone", "release", "settle", "refuse 502"]
    ],
    [
      "becomes a 502 as long as its head hasn't been sent",
      [...sent, head(200), failed("dropped")],
      ["settle", "refuse 502"]
    ],
    [
      "is aborted once its head has been sent",
      [...sent, head(200), data("o"), failed("dropped")],
      ["settle", "breakOff"]
    ],
    [
      "is answered with 504 when its timeout expires",
      [...sent, { type: "timedOut", sent: true, why: undefined }],
      ["overdue", "settle", "refuse 504", "leave", "abort"]
    ],
    [
      "doesn't blame the instance while its caller is still sending",
      [...sent, { type: "timedOut", sent: false, why: undefined }],
      ["settle", "refuse 504", "leave", "abort"]
    ],
    [
      "has unlimited time once it's answered",
      [...sent, head(200), { type: "timedOut", sent: true, why: undefined }],
      []
    ],
    [
      "ends everywhere when its caller leaves",
      [...sent, { type: "callerGone" }],
      ["countAborted", "settle", "leave", "abort"]
    ],
    [
      "is aborted when its caller stalls",
      [...sent, head(200), data("o"), { type: "stalled" }],
      ["countAborted", "settle", "breakOff", "abort"]
    ],
    [
      "joins two connections when an upgrade is accepted",
      [...sent, { type: "switch", answer: { reason: "", headers: [] }, socket, head: Buffer.alloc(0), begun: false }],
      ["join"]
    ],
    [
      "closes a connection that switches unasked",
      [...sent, { type: "switch", answer: undefined, socket, head: Buffer.alloc(0), begun: false }],
      ["close"]
    ]
  ]
  it.each(cases.map(([name, events, effects, at = http1]): Case => [name, events, effects, at]))(
    "%s",
    (_, events, effects, at) => {
      expect(last(events, at)).toEqual(effects)
    }
  )

  it("is tried at most twelve times, with pauses from the third on", () => {
    const events = Array.from(
      { length: 12 },
      (_, index): ReadonlyArray<ExchangeEvent> =>
        index < 2 ? [leased, failed("unprocessed")] : [leased, failed("unprocessed"), { type: "again" }]
    ).flat()
    const effects = run([{ type: "again" }, ...events]).effects.map((effect) => effect.do)
    expect(effects.filter((name) => name === "countRetry")).toHaveLength(11)
    expect(effects.filter((name) => name === "acquireLater")).toHaveLength(9)
    expect(effects.filter((name) => name === "refuse")).toHaveLength(1)
  })

  const event = fc.oneof(
    fc.constantFrom<ExchangeEvent>(
      leased,
      { type: "held" },
      { type: "again" },
      { type: "flush" },
      { type: "callerGone" },
      { type: "stalled" },
      { type: "timedOut", sent: true, why: undefined },
      { type: "informational", status: 103, fields: [] },
      { type: "switch", answer: { reason: "", headers: [] }, socket, head: Buffer.alloc(0), begun: false },
      head(200),
      head(200, 3),
      head(204),
      head(205, -1, true),
      end,
      data("a"),
      data("abcdef"),
      failed("dropped"),
      failed("malformed"),
      failed("invalid")
    ),
    fc.record({ type: fc.constant("end" as const), trailers: fc.constant([]), begun: fc.boolean() })
  )

  it("is settled once and answered once, whatever happens in whatever order", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 30 }),
        fc.constantFrom<"http1" | "h2c">("http1", "h2c"),
        (events, protocol) => {
          const { effects, state } = run([{ type: "again" }, ...events], { ...http1, protocol })
          const names = effects.map((effect) => effect.do)
          const count = (...of: ReadonlyArray<string>) => names.filter((name) => of.includes(name)).length
          // `join` settles by itself.
          expect(count("settle", "join")).toBe(state.over ? 1 : 0)
          expect(count("head", "refuse", "join")).toBeLessThanOrEqual(1)
          expect(count("end", "refuse", "breakOff", "join")).toBeLessThanOrEqual(1)
          const final = names.findIndex((name) => ["end", "refuse", "breakOff", "join"].includes(name))
          if (final !== -1) expect(names.slice(final + 1)).not.toContain("write")
          const firstBody = names.findIndex((name) => name === "write" || name === "end")
          if (firstBody !== -1) expect(names.slice(0, firstBody)).toContain("head")
        }
      ),
      { numRuns: 2_000 }
    )
  })
})
