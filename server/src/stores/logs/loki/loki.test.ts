import { createServer, type Server } from "node:http"
import { text as textOf } from "node:stream/consumers"
import { createGunzip } from "node:zlib"
import { afterEach, describe, expect, it } from "@effect/vitest"
import { Effect, ManagedRuntime, Redacted, Stream } from "effect"
import fc from "fast-check"
import { keyOf, line, noon, numbered } from "../../../../test/logs/historyContract.ts"
import { LogHistory } from "../LogHistory.ts"
import { compareLines, type LogLine, sameLine, timeOf } from "../LogLine.ts"
import { type Entry, LokiError, type PushedValue } from "./LokiClient.ts"
import { allOfService, type Labels, lineLabels, linesQuery, quoted } from "./logql.ts"
import { layerLoki } from "./lokiHistory.ts"
import { millisOfDuration, nanosOf, timeOfNanos } from "./nanoseconds.ts"
import { positionsOf, positionValues } from "./positions.ts"
import { batchesOf, deliver, valueOf } from "./pushLines.ts"
import { type Ask, pages } from "./readLoki.ts"

describe("queries", () => {
  it("contain the caller's input in one string, whatever it is", () => {
    fc.assert(
      // Including unpaired surrogates.
      fc.property(fc.array(fc.nat(0xffff), { maxLength: 20 }), fc.constantFrom("", '"', "\\"), (units, end) => {
        const text = String.fromCharCode(...units) + end
        const query = linesQuery(keyOf("a"), { revision: text })
        const begin = `${linesQuery(keyOf("a"))} | revision=`
        expect(query.startsWith(begin)).toBe(true)
        const rest = query.slice(begin.length)
        expect(rest).toBe(quoted(text))
        expect(JSON.parse(rest)).toBe(text.toWellFormed())
        // Nothing ends the string before its end.
        expect(rest.slice(1, -1).replace(/\\./g, "")).not.toMatch(/["\n\\]/)
      })
    )
  })

  it("are refused for an invalid service name", () => {
    for (const service of ['x",organization="org_b', "a b", "", "..", "a|b", 'a"}', "a`b", "ü"]) {
      expect(() => linesQuery({ ...keyOf("a"), service })).toThrow("can't be the name")
      expect(() => allOfService({ ...keyOf("a"), namespace: service })).toThrow("can't be the name")
    }
    expect(allOfService(keyOf("a"))).toBe(
      `{job=~"maxcloud|maxcloud-positions",organization="org_${"a".repeat(32)}",namespace="shop",service="api"}`
    )
  })
})

describe("times", () => {
  it("are the same after a round trip through Loki", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), fc.integer({ min: 0, max: 999_999_999 }), (s, ns) => {
        const t = `${new Date(s * 1000).toISOString().slice(0, 19)}.${String(ns).padStart(9, "0")}Z`
        expect(nanosOf(t)).toBe(BigInt(s) * 1_000_000_000n + BigInt(ns))
        expect(timeOfNanos(nanosOf(t))).toBe(t)
      })
    )
  })

  it("reads durations as Loki writes them", () => {
    expect(["744h", "31d", "1w3d", "0s", "5m30s", "250ms", "", "for ever", "-1h"].map(millisOfDuration)).toEqual([
      744 * 3_600_000,
      31 * 86_400_000,
      10 * 86_400_000,
      0,
      330_000,
      250,
      undefined,
      undefined,
      undefined
    ])
  })
})

const drawnLines = fc.array(
  fc
    .record({
      second: fc.integer({ min: 0, max: 20_000 }),
      n: fc.integer({ min: 0, max: 2 }),
      pod: fc.constantFrom("a", "b"),
      size: fc.constantFrom(0, 5, 300, 2000)
    })
    .map(({ n, pod, second, size }) => line(timeOf(noon + second * 1000), n, pod, "x".repeat(size))),
  { maxLength: 120 }
)
const sortedOnce = (lines: ReadonlyArray<LogLine>) =>
  lines.toSorted(compareLines).filter((one, i, all) => {
    const previous = all[i - 1]
    return previous === undefined || !sameLine(previous, one)
  })

it("pushes lines in order, each once, in batches within the limits", () => {
  fc.assert(
    fc.property(
      drawnLines,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 5000 }),
      (lines, most, bytes) => {
        const batches = batchesOf(lines, { lines: most, bytes })
        expect(batches.flat()).toEqual(sortedOnce(lines))
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.length).toBeLessThanOrEqual(most)
          if (batch.length > 1)
            expect(batch.reduce((sum, line) => sum + line.line.length, 0)).toBeLessThanOrEqual(bytes)
        }
      }
    )
  )
})

/** Accepts and refuses like Loki, with its messages: whatever it can of a request, and an error that names the rest. */
const takingLoki = (limits: { readonly oldest: string; readonly newest: string; readonly bytes: number }) => {
  const kept = new Map<string, string>()
  const highest = new Map<string, string>()
  let pushes = 0
  const seconds = (t: string) => `${t.slice(0, 19)}Z`
  const push = async (labels: Labels, values: ReadonlyArray<PushedValue>) => {
    pushes++
    const stream = JSON.stringify(labels)
    const said: Array<string> = []
    for (const [nanos, text, metadata] of values) {
      const t = timeOfNanos(BigInt(nanos))
      const high = highest.get(stream)
      const cutoff = high === undefined ? "" : timeOf(Date.parse(high) - 3_600_000)
      if (t < limits.oldest)
        said.push(
          `entry for stream '${stream}' has timestamp too old: ${seconds(t)}, oldest acceptable timestamp is: ${seconds(limits.oldest)}`
        )
      else if (t > limits.newest) said.push(`entry for stream '${stream}' has timestamp too new: ${seconds(t)}`)
      else if (text.length > limits.bytes)
        said.push(
          `max entry size '${limits.bytes}' bytes exceeded for stream '${stream}' while adding an entry with length '${text.length}' bytes`
        )
      else if (t < cutoff)
        said.push(
          `entry with timestamp ${t} ignored, reason: 'entry too far behind, entry timestamp is: ${seconds(t)}, oldest acceptable timestamp is: ${seconds(cutoff)}',`
        )
      else {
        kept.set(`${nanos} ${metadata["uid"]} ${metadata["n"]}`, text)
        if (high === undefined || t > high) highest.set(stream, t)
      }
    }
    if (said.length > 0) throw new LokiError("refused", "it refuses that", said.slice(0, 10).join("\n"))
  }
  return { kept, push, pushes: () => pushes }
}
const nameOf = (one: LogLine) => `${nanosOf(one.t)} ${one.uid} ${one.n}`

it("stores every line that Loki accepts, including late ones, cuts long ones, and reports lost ones", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(drawnLines, { maxLength: 4 }), async (writes) => {
      const oldest = timeOf(noon + 1_000_000)
      const newest = timeOf(noon + 19_000_000)
      const loki = takingLoki({ oldest, newest, bytes: 1000 })
      const lost = new Set<string>()
      for (const lines of writes) {
        for (const batch of batchesOf(lines)) {
          await deliver(
            {
              labels: lineLabels(keyOf("a")),
              push: loki.push,
              lost: (of) => void of.map((value) => lost.add(nameOf(value)))
            },
            batch
          )
        }
      }
      const all = writes.flat()
      for (const one of all) {
        const inside = one.t >= oldest && one.t <= newest
        // Loki reports whole seconds: a lost line lies within one of its bounds.
        expect(loki.kept.has(nameOf(one)) || lost.has(nameOf(one))).toBe(true)
        if (inside) expect(loki.kept.has(nameOf(one))).toBe(true)
        else expect(lost.has(nameOf(one))).toBe(true)
        expect((loki.kept.get(nameOf(one)) ?? "").length).toBeLessThanOrEqual(1000)
      }
      expect(loki.pushes()).toBeLessThan(20 + 8 * all.length)
    }),
    { numRuns: 60 }
  )
})

it("cuts a line that's too long, at a character boundary, and marks it", async () => {
  const pushed: Array<PushedValue> = []
  await deliver(
    {
      labels: lineLabels(keyOf("a")),
      push: async (_, values) => {
        if (values.some(([, text]) => Buffer.byteLength(text) > 1000)) {
          throw new LokiError("refused", "", "max entry size '1000' bytes exceeded for stream")
        }
        pushed.push(...values)
      },
      lost: () => expect.unreachable()
    },
    [line(timeOf(noon), 0, "a", "😀".repeat(2001)), line(timeOf(noon), 1, "a", "short")]
  )
  expect(pushed.map(([, text, { truncated }]) => [text.replace(/^(😀)+$/u, "whole"), truncated])).toEqual([
    ["whole", "true"],
    ["short", undefined]
  ])
})

it("reads every entry of a range once, however many have equal times, and less at once if it's told to", async () => {
  const drawn = fc.array(
    fc.record({ at: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 3 })), pod: fc.nat(3) }),
    { maxLength: 90 }
  )
  await fc.assert(
    fc.asyncProperty(
      drawn,
      fc.constantFrom("forward" as const, "backward" as const),
      fc.integer({ min: 12, max: 40 }),
      fc.integer({ min: 1, max: 3000 }),
      async (given, direction, pageEntries, mostHours) => {
        const hour = 3_600_000_000_000n
        const places = new Map<string, number>()
        const entries: ReadonlyArray<Entry> = given.map(({ at, pod }) => {
          const n = places.get(`${at} ${pod}`) ?? 0
          places.set(`${at} ${pod}`, n + 1)
          return { nanos: BigInt(at) * 100n * hour, labels: { uid: String(pod), n: String(n) }, text: "" }
        })
        const ask: Ask = async (range, n) => {
          if (range.end - range.start > BigInt(mostHours) * hour) {
            throw new LokiError("refused", "", "the query time range exceeds the limit (query length: 2h, limit: 1h)")
          }
          const sign = range.direction === "forward" ? 1n : -1n
          return entries
            .filter((entry) => entry.nanos >= range.start && entry.nanos < range.end)
            .filter(
              (entry) => n === undefined || (Number(entry.labels["n"]) >= n[0] && Number(entry.labels["n"]) < n[1])
            )
            .sort((a, b) => Number(sign * (a.nanos - b.nanos)))
            .slice(0, range.limit)
        }
        const start = 100n * hour
        const end = 1100n * hour
        const parts: Array<ReadonlyArray<Entry>> = []
        for await (const part of pages(ask, { start, end, direction, pageEntries, firstWindow: hour * 7n }))
          parts.push(part)
        const read = parts.flat()
        expect(new Set(read).size).toBe(read.length)
        expect(new Set(read)).toEqual(new Set(entries.filter((entry) => entry.nanos >= start && entry.nanos < end)))
        for (let i = 1; i < parts.length; i++) {
          const before = (parts[i - 1] ?? []).map((each) => each.nanos)
          const after = (parts[i] ?? []).map((each) => each.nanos)
          for (const a of before) for (const b of after) expect(direction === "forward" ? a < b : a > b).toBe(true)
        }
      }
    ),
    { numRuns: 60 }
  )
})

it("stores positions of thousands of instances, in entries that Loki accepts", () => {
  const positions = new Map(
    Array.from({ length: 1234 }, (_, i) => [`uid-${String(i).padStart(32, "0")}`, { t: timeOf(noon + i), n: i % 3 }])
  )
  const values = positionValues(positions, 5n)
  for (const [, text] of values) expect(text.length).toBeLessThan(2 ** 16)
  const entries = values.map(([nanos, text, labels]) => ({ nanos: BigInt(nanos), text, labels }))
  expect(positionsOf(entries)).toEqual(positions)
  expect(positionsOf([{ nanos: 1n, labels: {}, text: "of somebody else" }])).toEqual(new Map())
})

describe("a server at Loki's address", () => {
  let server: Server | undefined
  afterEach(() => server?.close())

  interface Asked {
    readonly path: string
    readonly body: string
    readonly headers: NodeJS.Dict<string | ReadonlyArray<string>>
  }
  type Reply = readonly [status: number, body: string, headers?: Record<string, string>]
  const answering = async (reply: (asked: Asked) => Reply, options: object = {}) => {
    const asked: Array<Asked> = []
    const listening = createServer((request, response) => {
      const zipped = request.headers["content-encoding"] === "gzip"
      void textOf(zipped ? request.pipe(createGunzip()) : request).then((body) => {
        const one = { path: request.url ?? "", body, headers: request.headers }
        if (!one.path.startsWith("/loki/api/v1/delete")) asked.push(one)
        const [status, text, headers] = reply(one)
        response.writeHead(status, headers).end(text)
      })
    })
    server = listening
    await new Promise<void>((done) => listening.listen(0, "127.0.0.1", done))
    const address = listening.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const runtime = ManagedRuntime.make(layerLoki({ loki: { url: `http://127.0.0.1:${port}`, ...options } }))
    return { asked, runtime, history: await runtime.runPromise(LogHistory) }
  }
  const run = Effect.runPromise

  it("isn't asked before the pause ends, and doesn't get accepted lines twice", async () => {
    let full = true
    let count = 0
    const { asked, history } = await answering(({ path }) => {
      if (!path.startsWith("/loki/api/v1/push")) return [404, ""]
      count++
      return full && count > 1 ? [429, "ingestion rate limit exceeded", { "retry-after": "1" }] : [204, ""]
    })
    const large = Array.from({ length: 3 }, (_, i) => line(timeOf(noon + i), 0, "a", "x".repeat(400_000)))
    const failed = await run(Effect.flip(history.write(keyOf("a"), large)))
    expect(failed.message).toMatch(
      /can't be written \(Loki at http:\/\/127.*it accepts no more for now.*rate limit exceeded/
    )
    expect(asked).toHaveLength(2)
    expect((await run(Effect.flip(history.write(keyOf("a"), large)))).message).toBe(failed.message)
    expect(asked).toHaveLength(2)
    full = false
    await expect
      .poll(() => run(Effect.either(history.write(keyOf("a"), large))), { timeout: 5000 })
      .toMatchObject({ _tag: "Right" })
    const times = asked
      .filter((_, i) => i !== 1)
      .map((each) => JSON.parse(each.body).streams[0].values.map(([t]: [string]) => t))
    expect(times).toEqual(large.map(({ t }) => [String(nanosOf(t))]))
  })

  it("sees the organization's tenant, and credentials that appear in no message", async () => {
    const { asked, history } = await answering(() => [500, "broken"], {
      tenant: "acme-{organization}",
      user: "maxcloud",
      password: Redacted.make("a-hidden-word")
    })
    const failed = await run(Effect.flip(history.write(keyOf("b"), numbered(0, 1))))
    expect(failed.message).toContain("status 500: broken")
    expect(JSON.stringify([failed, String(failed.cause)])).not.toContain("hidden")
    expect(asked[0]?.headers["x-scope-orgid"]).toBe(`acme-org_${"b".repeat(32)}`)
    expect(asked[0]?.headers["authorization"]).toBe(`Basic ${btoa("maxcloud:a-hidden-word")}`)
  })

  it("isn't trusted if it answers with other lines, or isn't Loki", async () => {
    const [t, text, metadata] = valueOf(line(timeOf(noon), 0, "a", "of another"))
    const answer = (labels: Labels) =>
      JSON.stringify({
        status: "success",
        data: { resultType: "streams", result: [{ stream: { ...labels, ...metadata }, values: [[t, text]] }] }
      })
    let body = answer(lineLabels(keyOf("b")))
    const { history } = await answering(({ path }) => (path.includes("query_range") ? [200, body] : [404, ""]))
    const read = () => run(Effect.either(Stream.runCollect(history.read(keyOf("a"), {}))))
    expect(await read()).toMatchObject({ left: { message: expect.stringContaining("lines of a service other than") } })
    for (const other of ["<html>", "{}", '{"data":{"resultType":"matrix","result":[]}}']) {
      body = other
      expect(await read()).toMatchObject({ left: { message: expect.stringContaining("isn't Loki") } })
    }
    // Entries of other programs with these labels aren't lines of instances.
    body = answer(lineLabels(keyOf("a"))).replace('"n":"0"', '"n":"many"')
    expect(await read()).toMatchObject({ _tag: "Right", right: { length: 0 } })
  })

  it("leaves an erasure unfinished if it deletes nothing, and says what to set", async () => {
    const [t, text, metadata] = valueOf(line(timeOf(noon), 0, "a", "still there"))
    const stream = { ...lineLabels(keyOf("a")), ...metadata }
    const body = JSON.stringify({ data: { resultType: "streams", result: [{ stream, values: [[t, text]] }] } })
    const { history } = await answering(({ path }) =>
      path.includes("query_range") ? [200, body] : [404, "404 page not found"]
    )
    const failed = await run(Effect.flip(history.removeAll(keyOf("a").organizationId)))
    expect(failed.message).toContain("compactor.retention_enabled")
  })
})
