import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import type { WatchReport } from "../kubeApi/watchReports.ts"
import { RuntimeHealth } from "../port/RuntimeHealth.ts"
import { layer, watchesCheck } from "./clusterHealth.ts"

const now = 10_000_000
const watch = (change: Partial<WatchReport> = {}): WatchReport => ({
  kind: "pods",
  namespace: undefined,
  listed: true,
  open: true,
  sinceMillis: now - 60_000,
  heardMillis: now - 60_000,
  ...change
})

describe("the readiness of the watches", () => {
  it.each<[string, Partial<WatchReport>, RegExp | null]>([
    ["open and heard", {}, null],
    ["a moment between two connections", { open: false, sinceMillis: now - 3_000 }, null],
    [
      "a new namespace without rights yet",
      { listed: false, open: false, namespace: "mc-a", sinceMillis: now - 3_000 },
      null
    ],
    [
      "not listed at the start",
      { listed: false, open: false, sinceMillis: now - 1_000 },
      /The watch of pods hasn't synced for 1 s/
    ],
    [
      "a namespace that never syncs",
      { listed: false, namespace: "mc-a", sinceMillis: now - 11_000 },
      /hasn't synced for 11 s/
    ],
    ["disconnected", { open: false, sinceMillis: now - 30_000 }, /The watch of pods has been disconnected for 30 s/],
    ["silent although connected", { heardMillis: now - 301_000 }, /has been silent for 301 s/]
  ])("%s", (_, change, message) => {
    const found = watchesCheck([watch({ kind: "services" }), watch(change)], now)
    expect(found.ok).toBe(message === null)
    if (message !== null) expect(found.message).toMatch(message)
  })

  it("names each kind once and no namespace, because anyone may read it", () => {
    const lost = { listed: false, sinceMillis: now - 60_000 }
    const { message } = watchesCheck(
      [watch({ ...lost, namespace: "mc-secret" }), watch({ ...lost, namespace: "mc-other" }), watch()],
      now
    )
    expect(message).toMatch(/^2 of 3 watches .* The watch of pods hasn't synced for 60 s\. The server retries/)
    expect(message).not.toMatch(/mc-/)
  })

  it.effect("is reported beside the cluster, with the time since when it's been unreachable", () =>
    Effect.gen(function* () {
      const checksIf = (since: Option.Option<Date>) =>
        Effect.flatMap(RuntimeHealth, ({ checks }) => checks).pipe(
          Effect.provide(layer),
          Effect.provide(
            Layer.mock(KubeApi, {
              server: "https://secret",
              awaySince: () => 0,
              unreachableSince: Effect.succeed(since),
              watches: Effect.succeed([])
            })
          )
        )
      expect((yield* checksIf(Option.none())).map(({ name, ok }) => [name, ok])).toStrictEqual([
        ["cluster", true],
        ["watches", true]
      ])
      const [cluster] = yield* checksIf(Option.some(new Date("2026-03-01T10:00:00Z")))
      expect(cluster?.ok).toBe(false)
      expect(cluster?.message).toMatch(/unreachable since 2026-03-01T10:00:00\.000Z/)
      expect(cluster?.message).not.toContain("secret")
    })
  )
})
