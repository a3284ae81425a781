import { readFileSync, writeFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Option, Schedule, Stream } from "effect"
import { fakeApiServer } from "../../../test/kubeApi/testProxy.ts"
import { countedSoFar } from "../../base/telemetry/processMetrics.ts"
import { layer } from "./HttpKubeApi.ts"
import { KubeApi } from "./KubeApi.ts"
import { kinds } from "./kinds.ts"
import type { WatchReport } from "./watchReports.ts"

const list = (version: string, names: ReadonlyArray<string>) =>
  JSON.stringify({
    metadata: { resourceVersion: version },
    items: names.map((name) => ({ metadata: { name, resourceVersion: version } }))
  })
const status = (code: number, reason: string) =>
  JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", message: `fake ${reason}`, reason, code })

// A plain HTTP server gives answers that a real API server doesn't give on demand; the rest is tested against a real one.
describe("answers of a busy or forgetful API server", () => {
  const against = <A, E>(
    answer: (
      asked: URL,
      times: number
    ) => { status?: number; headers?: Record<string, string>; body: string; open?: boolean },
    test: Effect.Effect<A, E, KubeApi>
  ) =>
    Effect.gen(function* () {
      const asked = new Map<string, number>()
      const path = yield* fakeApiServer((request, response) => {
        const url = new URL(request.url ?? "/", "http://fake")
        if (url.pathname === "/apis/serving.knative.dev/v1") {
          response.end("{}")
          return
        }
        const key = `${url.pathname} ${url.searchParams.get("watch") ?? ""}`
        const times = (asked.get(key) ?? 0) + 1
        asked.set(key, times)
        const { body, headers = {}, open = false, status: code = 200 } = answer(url, times)
        response.writeHead(code, headers)
        response.write(body)
        if (!open) response.end()
      })
      return yield* Effect.provide(test, layer({ source: { type: "file", path }, timeoutMillis: 1000 }))
    })

  it.scopedLive("watches say how they are: listed, open, silent or disconnected", () =>
    Effect.gen(function* () {
      const lists = () => countedSoFar("maxcloud_watch_lists_total", { kind: "pods" })
      const reconnects = () => countedSoFar("maxcloud_watch_reconnects_total", { kind: "pods" })
      const before = { lists: yield* Effect.promise(lists), reconnects: yield* Effect.promise(reconnects) }
      const put = (version: string) =>
        `${JSON.stringify({ type: "MODIFIED", object: { metadata: { name: "a", resourceVersion: version } } })}\n`
      const seen = yield* against(
        ({ searchParams }, times) => {
          if (searchParams.get("watch") === null) return { body: list("1", ["a"]) }
          // The first connection ends, the second stays open, so the watch has connected again.
          return { body: put(String(times + 1)), open: times > 1 }
        },
        Effect.gen(function* () {
          const api = yield* KubeApi
          const found: Array<ReadonlyArray<WatchReport>> = [yield* api.watches]
          yield* api.watch({ kind: kinds.pod, decode: Option.some }).pipe(
            Stream.tap(() => Effect.map(api.watches, (watches) => found.push(watches))),
            Stream.take(3),
            Stream.runDrain
          )
          return [...found, yield* api.watches]
        })
      )
      const told = seen.map((watches) => watches.map(({ kind, listed, open }) => [kind, listed, open]))
      expect(told).toStrictEqual([[], [["pods", true, false]], [["pods", true, true]], [["pods", true, true]], []])
      const [, listed, first, second] = seen.map(([watch]) => watch)
      expect(first?.heardMillis).toBeGreaterThan(listed?.heardMillis ?? 0)
      expect(second?.sinceMillis).toBeGreaterThan(first?.sinceMillis ?? 0)
      expect((yield* Effect.promise(lists)) - before.lists).toBe(1)
      expect((yield* Effect.promise(reconnects)) - before.reconnects).toBe(1)
    })
  )

  const get = (path: string) => Effect.flatMap(KubeApi, (api) => api.request({ method: "GET", path }))

  it.scopedLive("an outage ends with the first answer, even if nobody else sends a request", () =>
    Effect.gen(function* () {
      yield* against(
        (url, times) =>
          url.pathname === "/api/v1/namespaces" && times > 1
            ? { body: list("10", []) }
            : { status: 500, body: status(500, "InternalError").replace("fake", "etcdserver: request timed out:") },
        Effect.gen(function* () {
          const api = yield* KubeApi
          expect(yield* api.awayMillis).toBe(0)
          yield* Effect.flip(api.request({ method: "GET", path: "/x" }))
          expect(Option.isSome(yield* api.unreachable)).toBe(true)
          yield* Effect.repeat(api.unreachable, { until: Option.isNone, schedule: Schedule.spaced("20 millis") })
          const away = yield* api.awayMillis
          expect(away).toBeGreaterThan(1_000)
          yield* Effect.sleep("50 millis")
          expect(yield* api.awayMillis).toBe(away)
          expect(api.awaySince(Date.now() - 60_000)).toBeCloseTo(away, -1)
        })
      )
    })
  )

  it.scopedLive("readers of a slow API server share one question, and don't find it unreachable", () =>
    Effect.gen(function* () {
      let questions = 0
      const path = yield* fakeApiServer((request, response) => {
        if (new URL(request.url ?? "/", "http://fake").pathname === "/apis/serving.knative.dev/v1") {
          response.end("{}")
          return
        }
        questions += 1
        setTimeout(() => response.end(list("1", [])), 1_000)
      })
      const check = Effect.gen(function* () {
        const api = yield* KubeApi
        // What the start has heard must be too old to count.
        yield* Effect.sleep("1100 millis")
        const gone = yield* Effect.fork(api.check)
        yield* Effect.yieldNow()
        const asked = yield* Effect.fork(Effect.all(Effect.replicate(api.check, 40), { concurrency: "unbounded" }))
        yield* Effect.sleep("100 millis")
        yield* Fiber.interrupt(gone)
        return { found: yield* Fiber.join(asked), away: yield* api.awayMillis }
      })
      const { away, found } = yield* Effect.provide(check, layer({ source: { type: "file", path } }))
      expect(found).toStrictEqual(Array.from({ length: 40 }, () => Option.none()))
      expect(questions).toBe(1)
      expect(away).toBe(0)
    })
  )

  it.scopedLive("a 429 is retried after Retry-After, and no sooner", () =>
    Effect.gen(function* () {
      const at: Array<number> = []
      const answer = yield* against((_url, times) => {
        at.push(Date.now())
        return times < 2
          ? { status: 429, headers: { "retry-after": "1" }, body: status(429, "TooManyRequests") }
          : { body: '{"kind":"Fine"}' }
      }, get("/x"))
      expect(answer).toEqual({ kind: "Fine" })
      expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(990)
    })
  )

  it.scopedLive("a temporary 500 is retried, and given up soon if it lasts", () =>
    Effect.gen(function* () {
      const failing = (until: number) => (_url: URL, times: number) =>
        times < until ? { status: 500, body: status(500, "InternalError") } : { body: "{}" }
      expect(yield* against(failing(3), get("/x"))).toEqual({})
      const error = yield* Effect.flip(against(failing(99), get("/x")))
      expect(error).toMatchObject({ reason: "unreachable", status: 500, message: "fake InternalError (GET /x)" })
    })
  )

  it.scopedLive("a POST isn't sent twice", () =>
    Effect.gen(function* () {
      let sent = 0
      const error = yield* Effect.flip(
        against(
          () => {
            sent++
            return { status: 500, body: status(500, "InternalError") }
          },
          Effect.flatMap(KubeApi, (api) => api.request({ method: "POST", path: "/x", body: {} }))
        )
      )
      expect(error).toMatchObject({ reason: "unreachable" })
      expect(sent).toBe(1)
    })
  )

  it.scopedLive("a missing answer is given up", () =>
    Effect.gen(function* () {
      const api = Effect.flatMap(KubeApi, (kubeApi) => kubeApi.request({ method: "POST", path: "/x", body: {} }))
      const error = yield* Effect.flip(against(() => ({ body: "{", open: true }), api))
      expect(error).toMatchObject({ reason: "unreachable", status: undefined })
      expect(error.message).toContain("no answer within 1 s")
    })
  )

  it.scopedLive("a body that isn't JSON doesn't come from an API server", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(against(() => ({ body: "<html>" }), get("/x")))
      expect(error.message).toContain("the server isn't an API server")
    })
  )

  it.scopedLive("refused credentials are read again, because they may have been renewed", () =>
    Effect.gen(function* () {
      let valid = "Bearer fake"
      const path = yield* fakeApiServer((request, response) => {
        const fine = request.headers.authorization === valid
        response.writeHead(fine ? 200 : 401).end(fine ? "{}" : status(401, "Unauthorized"))
      })
      yield* Effect.gen(function* () {
        yield* get("/x")
        valid = "Bearer renewed"
        expect(yield* Effect.flip(get("/x"))).toMatchObject({ reason: "unauthorized", status: 401 })
        writeFileSync(path, readFileSync(path, "utf8").replace('"token":"fake"', '"token":"renewed"'))
        yield* Effect.sleep("1100 millis")
        expect(yield* get("/x")).toEqual({})
      }).pipe(Effect.provide(layer({ source: { type: "file", path } })))
    })
  )

  it.scopedLive("an unreachable server at the start is waited for; refused credentials aren't", () =>
    Effect.gen(function* () {
      let asked = 0
      let answer = 503
      const path = yield* fakeApiServer((_request, response) => {
        asked++
        if (asked < 2) response.destroy()
        else response.writeHead(asked < 5 ? answer : 200).end("{}")
      })
      const started = (startMillis: number) =>
        Effect.provide(Effect.void, layer({ source: { type: "file", path }, startMillis }))
      yield* started(10_000)
      expect(asked).toBe(5)
      asked = 0
      expect(yield* Effect.flip(started(0))).toMatchObject({ reason: "unreachable" })
      asked = 1
      answer = 401
      expect(yield* Effect.flip(started(10_000))).toMatchObject({ reason: "credentials" })
      expect(asked).toBe(2)
    })
  )

  const watched = (take: number) =>
    Effect.flatMap(KubeApi, (api) =>
      api.watch({ kind: kinds.pod, decode: (value) => Option.some(JSON.stringify(value)) }).pipe(
        Stream.map((event) => (event.type === "list" ? ["list", ...event.objects] : [event.type, event.object])),
        Stream.take(take),
        Stream.runCollect,
        Effect.map(Chunk.toReadonlyArray)
      )
    )
  const gone = (way: "status" | "event") => (url: URL, times: number) => {
    if (url.searchParams.get("watch") !== "true") return { body: list(String(times * 10), [`n${times}`]) }
    if (times > 1) {
      const object = { metadata: { name: "new", resourceVersion: "21" } }
      return { body: `${JSON.stringify({ type: "ADDED", object })}\n`, open: true }
    }
    return way === "status"
      ? { status: 410, body: status(410, "Expired") }
      : { body: `${JSON.stringify({ type: "ERROR", object: JSON.parse(status(410, "Expired")) })}\n` }
  }

  for (const way of ["status", "event"] as const) {
    it.scopedLive(`410 as ${way}: lists again`, () =>
      Effect.gen(function* () {
        const events = yield* against(gone(way), watched(3))
        expect(events.map(([type]) => type)).toEqual(["list", "list", "put"])
        expect(events[1]?.[1]).toContain("n2")
      })
    )
  }

  it.scopedLive("a watch resumes from its last bookmark", () =>
    Effect.gen(function* () {
      const resumed: Array<string | null> = []
      yield* against((url, times) => {
        if (url.searchParams.get("watch") !== "true") return { body: list("10", []) }
        resumed.push(url.searchParams.get("resourceVersion"))
        const type = times === 1 ? "BOOKMARK" : "ADDED"
        return { body: `${JSON.stringify({ type, object: { metadata: { resourceVersion: "77" } } })}\n` }
      }, watched(2))
      expect(resumed).toEqual(["10", "77"])
    })
  )

  it.scopedLive("a list is read page by page, and again if a page has expired", () =>
    Effect.gen(function* () {
      const [first] = yield* against((url, times) => {
        const next = url.searchParams.get("continue")
        if (times === 2) return { status: 410, body: status(410, "Expired") }
        const page = JSON.parse(list("10", [`page-${next ?? "first"}`]))
        return {
          body: JSON.stringify({ ...page, metadata: { ...page.metadata, ...(next === null ? { continue: "b" } : {}) } })
        }
      }, watched(1))
      expect(first?.slice(1).map((value) => JSON.parse(value).metadata.name)).toEqual(["page-first", "page-b"])
    })
  )
})
