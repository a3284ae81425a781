import { describe, expect, it } from "@effect/vitest"
import { deployment, event } from "../../test/fakeServer.ts"
import type { DeployProgress } from "../deploy/deployOptions.ts"
import { renderProgress } from "./index.ts"

describe("renderProgress", () => {
  it("reports a deploy line by line, without repetition", () => {
    let atMs = 0
    const lines = renderProgress({ now: () => atMs })
    const tell = (progress: DeployProgress) => {
      atMs += 500
      return lines(progress)
    }
    const told = [
      ...tell({ _tag: "accepted", deployment: deployment("queued") }),
      ...tell({ _tag: "event", event: event(1, "accepted") }),
      ...tell({ _tag: "event", event: { ...event(2, "applied"), message: "Manifests applied" } }),
      ...tell({ _tag: "event", event: { ...event(3, "warning"), message: "the registry is slow" } }),
      ...tell({ _tag: "event", event: { ...event(4, "warning"), message: "the registry is slow" } }),
      ...tell({ _tag: "event", event: event(5, "finished", "succeeded") }),
      ...tell({ _tag: "finished", deployment: deployment("succeeded") })
    ]
    expect(told).toStrictEqual([
      "deployment 7 of shop (production)",
      "  1.5s  Manifests applied",
      "  2.0s  warning: the registry is slow",
      "deployment 7 of shop (production) succeeded: as the test wants it"
    ])
  })

  it("reports a service's state with its reason, and removes terminal control characters", () => {
    const lines = renderProgress({ now: () => 0 })
    const { services, ...rest } = deployment("failed")
    const [service] = services
    if (service === undefined) return expect.unreachable("no service")
    const found = { ...rest, services: [{ ...service, message: "exit\u001b]0;x\u0007 code 1\nmore" }] }
    const progress: DeployProgress = {
      _tag: "event",
      event: { ...event(1, "service"), service: service.name, deployment: found }
    }
    expect(lines(progress)).toStrictEqual(["  0.0s  api: failed, exit code 1"])
    expect(lines(progress)).toStrictEqual([])
  })
})
