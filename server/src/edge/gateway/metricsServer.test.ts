import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeMetricsServer } from "./metricsServer.ts"

const get = (url: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    return { status: response.status, type: response.headers.get("content-type"), text: await response.text() }
  })

describe("the gateway's metrics", () => {
  it.scopedLive("answers /metrics in Prometheus's format, and nothing else", () =>
    Effect.gen(function* () {
      const { port } = yield* makeMetricsServer({ port: 0, host: "127.0.0.1" })
      const found = yield* get(`http://127.0.0.1:${port}/metrics`)
      expect(found.status).toBe(200)
      expect(found.type).toMatch(/^text\/plain; version=0\.0\.4/)
      expect(found.text).toMatch(/^maxcloud_build_info\{version="[^"]+"\} 1$/m)
      expect(found.text).toMatch(/^process_cpu_seconds_total /m)
      expect((yield* get(`http://127.0.0.1:${port}/`)).status).toBe(404)
      expect((yield* get(`http://127.0.0.1:${port}/metrics`, { method: "POST" })).status).toBe(404)
    })
  )

  it.scopedLive("names the port that it can't listen on", () =>
    Effect.gen(function* () {
      const { port } = yield* makeMetricsServer({ port: 0, host: "127.0.0.1" })
      const error = yield* Effect.flip(makeMetricsServer({ port, host: "127.0.0.1" }))
      expect(error.message).toMatch(new RegExp(`port ${port} for metrics: .*EADDRINUSE`))
    })
  )
})
