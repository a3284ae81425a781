import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { LogEntry, ServiceId } from "@maxcloud/sdk/api"
import { Effect, Schema, Stream } from "effect"
import { testApi } from "../../../../test/api/testApi.ts"
import type { LogQuery } from "../../../runtimes/port/Runtime.ts"

const id = ServiceId.make(`svc_${"a".repeat(32)}`)

const entry = (n: number): LogEntry => ({
  cursor: `0-${n}`,
  at: "2026-01-01T00:00:00.000Z",
  service: ServiceName.make("web"),
  revision: "web-00001",
  instance: "i",
  stream: "stdout",
  line: `line ${n}`,
  truncated: false
})
const decode = Schema.decodeUnknownSync(Schema.Array(LogEntry))

/** An API over a log with lines written by `write`; also returns what its handler requested. */
const made = Effect.gen(function* () {
  const lines: Array<LogEntry> = []
  const queries: Array<Omit<LogQuery, "key">> = []
  const { url } = yield* testApi({
    services: {
      isLogCursor: (value) => /^0-\d+$/.test(value),
      logs: (_, __, query) => {
        queries.push(query)
        const from = query.after === undefined ? 0 : Number(query.after.slice(2))
        const after = lines.slice(from)
        return Effect.succeed(Stream.fromIterable(query.tail === undefined ? after : after.slice(-query.tail)))
      }
    }
  })
  const write = (count: number) => {
    for (let n = 0; n < count; n++) lines.push(entry(lines.length + 1))
  }
  const get = (search: string, headers: Record<string, string> = {}) =>
    Effect.promise(() => fetch(`${url}/api/v1/services/${id}/logs${search}`, { headers }))
  /** The numbers of a page's lines, and the query of the next page. */
  const page = (search: string) =>
    Effect.flatMap(get(search), (response) =>
      Effect.promise(async () => {
        const link = response.headers.get("link")
        const next = link === null ? undefined : new URL(/<(.*)>; rel="next"/.exec(link)?.[1] ?? "", url).search
        return { numbers: decode(await response.json()).map(({ cursor }) => Number(cursor.slice(2))), next }
      })
    )
  return { get, page, queries, write }
})

describe("pages of logs", () => {
  it.scopedLive("lead from line to line and on to later lines, without losing or repeating any", () =>
    Effect.gen(function* () {
      const { page, write } = yield* made
      write(7)
      const seen: Array<number> = []
      let search = "?tail=1000&limit=3"
      for (let round = 0; round < 6; round++) {
        const { next, numbers } = yield* page(search)
        seen.push(...numbers)
        if (next === undefined) write(2)
        search = next ?? `?limit=3&cursor=0-${seen.at(-1)}`
      }
      expect(seen).toStrictEqual(seen.map((_, n) => n + 1))
      expect(seen.length).toBeGreaterThanOrEqual(13)
    })
  )

  it.scopedLive("start with the last page of lines, or with `since`", () =>
    Effect.gen(function* () {
      const { page, queries, write } = yield* made
      write(150)
      expect((yield* page("")).numbers[0]).toBe(51)
      expect((yield* page("?limit=10")).numbers).toStrictEqual(Array.from({ length: 10 }, (_, n) => 141 + n))
      const all = yield* page("?since=1h")
      expect([all.numbers.length, all.numbers[0], all.next]).toStrictEqual([100, 1, "?since=1h&cursor=0-100"])
      expect(queries.map(({ tail }) => tail)).toStrictEqual([100, 10, undefined])
      expect((yield* page("?cursor=0-150")).numbers).toStrictEqual([])
    })
  )

  it.scopedLive("are JSON unless the request asks for a stream", () =>
    Effect.gen(function* () {
      const { get, write } = yield* made
      write(1)
      const typeOf = (search: string, headers?: Record<string, string>) =>
        Effect.map(get(search, headers), (response) => response.headers.get("content-type"))
      expect(yield* typeOf("")).toBe("application/json")
      expect(yield* typeOf("", { accept: "application/json" })).toBe("application/json")
      expect(yield* typeOf("", { accept: "text/event-stream" })).toBe("text/event-stream")
      expect(yield* typeOf("", { "last-event-id": "0-0" })).toBe("text/event-stream")
      expect(yield* typeOf("?follow=true")).toBe("text/event-stream")
    })
  )

  it.scopedLive("name the invalid cursor or size they refuse", () =>
    Effect.gen(function* () {
      const { get } = yield* made
      for (const [search, said] of [
        ["?cursor=nope", "cursor"],
        ["?limit=0", "limit"],
        ["?limit=1001", "limit"],
        ["?since=yesterday", "since"]
      ] as const) {
        const response = yield* get(search)
        expect(response.status, search).toBe(400)
        expect(yield* Effect.promise(() => response.json())).toMatchObject({
          errors: [{ parameter: said, in: "query" }]
        })
      }
    })
  )
})
