import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { KubeApi, type KubeRequest } from "../../../runtimes/kubeApi/KubeApi.ts"
import { type CheckResult, runChecks } from "./Check.ts"
import { gatewayChecks } from "./gatewayChecks.ts"

const ending = { metadata: { name: "c", deletionTimestamp: "2026-01-01T00:00:00Z" }, status: { phase: "Running" } }
const envoys = {
  items: [...["a", "b"].map((name) => ({ metadata: { name }, status: { phase: "Running" } })), ending]
}
const passed = ["kourier gateway", "knative webhook accepts", "knative activator", "knative autoscaler"].map(
  (name) => ({
    name,
    shows: "",
    run: Effect.succeed(undefined)
  })
)

/** The last check, against a gateway of two pods and one that ends, whose answers for the probe service are `statuses`, in turn. */
const served = (statusOf: (pod: string, times: number) => number, conditions: ReadonlyArray<unknown>) => {
  const requests: Array<string> = []
  const asked = new Map<string, number>()
  const api = Layer.mock(KubeApi, {
    server: "https://fake",
    awaySince: () => 0,
    request: ({ method, path }: KubeRequest) => {
      requests.push(method)
      return Effect.succeed(
        path.endsWith("/pods") ? envoys : { status: { url: "http://probe.example.com", conditions } }
      )
    }
  })
  const checks = gatewayChecks(
    (path, host) =>
      Effect.sync(() => {
        if (host !== "probe.example.com") return { status: 404, text: "" }
        const pod = /pods\/(\w):/.exec(path)?.[1] ?? ""
        expect(pod).not.toBe("c")
        const times = (asked.get(pod) ?? 0) + 1
        asked.set(pod, times)
        return { status: statusOf(pod, times), text: "" }
      }),
    { image: "x", own: true, readyMillis: 100, routedMillis: 1_200 }
  )
  return Effect.map(
    Effect.provide(runChecks([...passed, ...checks]), api),
    (results): [CheckResult | undefined, ReadonlyArray<string>] => [results.at(-1), requests]
  )
}
const ready = [{ type: "Ready", status: "True" }]

describe("a request through the gateway", () => {
  it.live("passes once each of its pods serves the probe service", () =>
    Effect.gen(function* () {
      // A pod learns about a service a moment later than another.
      const [result, requests] = yield* served((pod, times) => (pod === "b" && times === 1 ? 404 : 200), ready)
      expect(result).toMatchObject({ name: "gateway serves", result: "ok", fix: null })
      expect(requests.at(-1)).toBe("DELETE")
    })
  )

  it.live.each<[string, number, RegExp]>([
    ["refuses it", 403, /refuses every request \(403 from b\)/],
    ["doesn't know it", 404, /doesn't know a ready service \(404 for probe\.example\.com\)/],
    ["can't reach it", 503, /got 503/]
  ])("fails if one of the pods %s, and removes the probe service", ([_, status, message]) =>
    Effect.gen(function* () {
      const [result, requests] = yield* served((pod) => (pod === "b" ? status : 200), ready)
      expect(result?.result).toBe("failed")
      expect(result?.message).toMatch(message)
      expect(requests.at(-1)).toBe("DELETE")
    })
  )

  it.live("fails with Knative's reason if the probe service doesn't become ready, and removes it", () =>
    Effect.gen(function* () {
      const waiting = [{ type: "Ready", status: "Unknown", message: "Ingress has not yet been reconciled." }]
      const [result, requests] = yield* served(() => 200, waiting)
      expect(result?.message).toMatch(/isn't ready after 0\.1 s: Ingress has not yet been reconciled/)
      expect(requests.at(-1)).toBe("DELETE")
    })
  )
})
