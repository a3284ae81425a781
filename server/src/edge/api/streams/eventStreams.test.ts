import { describe, expect, it } from "@effect/vitest"
import { OrganizationName, ServiceName } from "@maxcloud/config-schema"
import { DeploymentId, fromBatch, type LogEntry, ServiceId, Unavailable } from "@maxcloud/sdk/api"
import { Chunk, Deferred, Effect, Either, Queue, Schedule, Stream } from "effect"
import { testApi } from "../../../../test/api/testApi.ts"
import type { LogQuery } from "../../../runtimes/port/Runtime.ts"
import { unlimited } from "../../../tenancy/limits/defaultQuotas.ts"

const id = ServiceId.make(`svc_${"a".repeat(32)}`)
const deploymentId = DeploymentId.make(`dep_${"a".repeat(32)}`)

const entry = (n: number): LogEntry => ({
  cursor: `0-${n}`,
  at: "2026-01-01T00:00:00.000Z",
  service: ServiceName.make("web"),
  revision: "web-00001",
  instance: "i",
  stream: "stdout",
  line: `line ${n}\r\nevent: end`,
  truncated: false
})

const open = (url: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  Effect.promise(() => fetch(url, { headers, ...(signal === undefined ? {} : { signal }) }))

const frames = (text: string) =>
  text
    .split("\n\n")
    .filter((value) => value !== "")
    .map((frame) =>
      Object.fromEntries(
        frame.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)])
      )
    )

const none = { services: 0, instances: 0, cpuMilli: 0, memoryBytes: 0, deploymentsPerHour: 0, sourceBytes: 0 }
const organizationInfo = {
  name: OrganizationName.make("acme"),
  createdAt: "2026-01-01T00:00:00.000Z",
  displayName: null,
  deleteAfter: null,
  quotas: { ...unlimited, streams: 3 },
  use: { ...none, logBytes: null, streams: null }
}

describe("streams of events", () => {
  it.scopedLive("send logs with ids, lines as JSON, and an end event", () =>
    Effect.gen(function* () {
      const queries: Array<Omit<LogQuery, "key">> = []
      const { url } = yield* testApi({
        services: {
          isLogCursor: (value) => value === "0-0",
          logs: (_, __, query) => {
            queries.push(query)
            return Effect.succeed(Stream.make(entry(1), entry(2)))
          }
        }
      })
      const response = yield* open(`${url}/api/v1/services/${id}/logs`, { "last-event-id": "0-0" })
      expect(response.headers.get("content-type")).toBe("text/event-stream")
      expect(response.headers.get("cache-control")).toBe("no-cache")
      expect(response.headers.get("x-accel-buffering")).toBe("no")
      const [retry, first, second, end] = frames(yield* Effect.promise(() => response.text()))
      expect(retry).toStrictEqual({ retry: "1000" })
      expect(first).toStrictEqual({ id: "0-1", event: "log", data: JSON.stringify(entry(1)) })
      expect(second?.id).toBe("0-2")
      expect(end).toStrictEqual({ event: "end", data: "{}" })
      expect(queries).toStrictEqual([
        { follow: false, since: undefined, revision: undefined, tail: undefined, after: "0-0" }
      ])
    })
  )

  it.scopedLive("send lines that arrive together in one event if asked, with the cursor of the last one as id", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 2_500 }, (_, n) => ({ ...entry(n), line: `line ${n}` }))
      const { url } = yield* testApi({
        services: { logs: () => Effect.succeed(Stream.concat(Stream.fromIterable(many), Stream.make(entry(9_999)))) }
      })
      const response = yield* open(`${url}/api/v1/services/${id}/logs?batched=true`, { accept: "text/event-stream" })
      const events = frames(yield* Effect.promise(() => response.text())).slice(1)
      expect(events.map((each) => [each.event, each.id])).toStrictEqual([
        ["logs", "0-999"],
        ["logs", "0-1999"],
        ["logs", "0-2499"],
        // It has a newline in its text.
        ["log", "0-9999"],
        ["end", undefined]
      ])
      const read = events
        .filter((each) => each.event === "logs")
        .flatMap((each) => Either.getOrThrow(fromBatch(each.data ?? "")))
      expect(read).toStrictEqual(many)
    })
  )

  it.scopedLive("resume at the cursor of a log of many instances", () =>
    Effect.gen(function* () {
      const long = `1;2026-01-01T00:00:00.000000000Z${";8f2b11c0a4d2@2026-03-01T10:00:07.120000000Z~2".repeat(200)}`
      const asked: Array<string | undefined> = []
      const { url } = yield* testApi({
        services: {
          isLogCursor: (value) => value === long,
          logs: (_, __, query) => {
            asked.push(query.after)
            return Effect.succeed(Stream.empty)
          }
        }
      })
      const logs = `${url}/api/v1/services/${id}/logs`
      expect((yield* open(logs, { "last-event-id": long })).status).toBe(200)
      expect((yield* open(`${logs}?cursor=${encodeURIComponent(long)}`)).status).toBe(200)
      expect(asked).toStrictEqual([long, long])
    })
  )

  it.scopedLive("report a fault after the first byte as an event with a problem document, and then end", () =>
    Effect.gen(function* () {
      const unavailable = new Unavailable({ detail: "the disk is gone", retryAfterSeconds: 5 })
      const { url } = yield* testApi({
        services: { logs: () => Effect.succeed(Stream.concat(Stream.make(entry(1)), Stream.fail(unavailable))) }
      })
      const response = yield* open(`${url}/api/v1/services/${id}/logs`, { accept: "text/event-stream" })
      const last = frames(yield* Effect.promise(() => response.text())).at(-1)
      expect(last?.event).toBe("error")
      expect(JSON.parse(last?.data ?? "")).toMatchObject({
        code: "unavailable",
        status: 503,
        detail: "the disk is gone"
      })
    })
  )

  it.scopedLive("reveal nothing about the cause of a defect after the first byte", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi({
        services: { logs: () => Effect.succeed(Stream.concat(Stream.make(entry(1)), Stream.dieMessage("kaputt"))) }
      })
      const response = yield* open(`${url}/api/v1/services/${id}/logs`, { accept: "text/event-stream" })
      const text = yield* Effect.promise(() => response.text())
      expect(text).toContain(`"code":"internal_error"`)
      expect(text).not.toContain("kaputt")
    })
  )

  it.scopedLive("stop reading the source when the reader disconnects", () =>
    Effect.gen(function* () {
      const gone = yield* Deferred.make<void>()
      const lines = yield* Queue.unbounded<LogEntry>()
      const { url } = yield* testApi({
        services: {
          logs: () => Effect.succeed(Stream.ensuring(Stream.fromQueue(lines), Deferred.succeed(gone, undefined)))
        }
      })
      const controller = new AbortController()
      const response = yield* open(`${url}/api/v1/services/${id}/logs?follow=true`, {}, controller.signal)
      yield* Queue.offer(lines, entry(1))
      const reader = response.body?.getReader()
      yield* Effect.promise(async () => {
        let text = ""
        while (!text.includes("event: log")) text += Buffer.from((await reader?.read())?.value ?? []).toString()
      })
      controller.abort()
      yield* Deferred.await(gone).pipe(Effect.timeout("5 seconds"))
    })
  )

  it.scopedLive("end without an end event when the server stops", () =>
    Effect.gen(function* () {
      const { draining, url } = yield* testApi({
        services: { logs: () => Effect.succeed(Stream.concat(Stream.make(entry(1)), Stream.never)) }
      })
      const response = yield* open(`${url}/api/v1/services/${id}/logs?follow=true`)
      const text = Effect.promise(() => response.text())
      yield* draining.begin
      expect((yield* text).replace(/data: .*/g, "")).not.toContain("event: end")
    })
  )

  it.scopedLive("continue deployment events after the reader's last one", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const event = (n: number) => ({
        id: n,
        at: "2026-01-01T00:00:00.000Z",
        type: n === 3 ? ("finished" as const) : ("started" as const),
        service: null,
        reason: "",
        message: "",
        deployment: null
      })
      const { url } = yield* testApi({
        deployments: {
          events: (_, __, after) => {
            asked.push(after)
            return Effect.succeed(Stream.fromChunk(Chunk.range(after + 1, 3)).pipe(Stream.map(event)))
          }
        }
      })
      const read = (headers: Record<string, string>) =>
        Effect.flatMap(open(`${url}/api/v1/deployments/${deploymentId}/events`, headers), (response) =>
          Effect.map(
            Effect.promise(() => response.text()),
            (text) => frames(text).flatMap((frame) => frame.id ?? [])
          )
        )
      expect(yield* read({})).toStrictEqual(["1", "2", "3"])
      expect(yield* read({ "last-event-id": "2" })).toStrictEqual(["3"])
      expect(yield* read({ "last-event-id": "drop table" })).toStrictEqual(["1", "2", "3"])
      expect(asked).toStrictEqual([0, 2, 0])
    })
  )

  it.scopedLive("are limited in number, and free a place when a reader disconnects", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi({
        streamQuota: 3,
        privacy: { describe: (id) => Effect.succeed({ ...organizationInfo, id }) },
        services: { logs: () => Effect.succeed(Stream.never) }
      })
      const follow = `${url}/api/v1/services/${id}/logs?follow=true`
      const controllers = [new AbortController(), new AbortController(), new AbortController()]
      // An answer is cancelled when it is garbage-collected.
      const held = yield* Effect.forEach(controllers, ({ signal }) => open(follow, {}, signal))
      expect(held.map((each) => each.status)).toStrictEqual([200, 200, 200])
      const refused = yield* open(follow)
      expect(refused.status).toBe(429)
      expect(refused.headers.get("retry-after")).toBe("5")
      expect(yield* Effect.promise(() => refused.text())).toContain("Too many open streams: the limit is 3 at once")
      const shown = yield* open(`${url}/api/v1/organization`)
      expect(yield* Effect.promise(() => shown.text())).toMatch(/"use":\{[^}]*"streams":3/)
      controllers[0]?.abort()
      const again = yield* open(follow).pipe(
        Effect.filterOrFail(({ status }) => status === 200),
        Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 200 })
      )
      yield* Effect.promise(async () => again.body?.cancel())
      for (const controller of controllers) controller.abort()
    })
  )
})
