import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { renderProgress } from "@maxcloud/sdk/progress"
import type { ServiceStatus } from "../../../runtimes/port/Runtime.ts"
import { type Progress, progressOf } from "./progress.ts"

const name = ServiceName.make("web")
const service: Progress = {
  name,
  action: "update",
  state: "pending",
  revision: null,
  url: null,
  reason: "Pending",
  message: "",
  logTail: [],
  diagnosis: null
}
const paused: ServiceStatus = {
  service: name,
  generation: 3,
  observedGeneration: 3,
  state: "paused",
  conditions: [],
  latestCreatedRevision: "web-00002",
  latestReadyRevision: "web-00001",
  traffic: [],
  instances: 0,
  url: "http://web.localhost:8080",
  logTail: [],
  diagnosis: null,
  terminal: false
}

describe("a deployment of a paused service", () => {
  it("is settled, and says that the new revision starts on resume", () => {
    expect(progressOf(service, paused)).toMatchObject({
      state: "ready",
      reason: "Paused",
      revision: "web-00002",
      message: "The new revision starts on `maxcloud resume web`."
    })
    expect(progressOf(service, paused, "preview").message).toContain("`maxcloud resume web --stage preview`")
    expect(progressOf({ ...service, action: "unchanged" }, paused).message).toBe(
      "The service starts on `maxcloud resume web`."
    )
    expect(progressOf(service, { ...paused, observedGeneration: 2 })).toMatchObject({ state: "pending" })
  })

  it("is shown as paused, never as ready, in events that were read together", () => {
    const { message, reason } = progressOf(service, paused)
    const event = { id: 1, at: "", type: "service", service: name, reason, message, deployment: null } as const
    const [line] = renderProgress({ now: () => 0 })({ _tag: "event", event })
    expect(line).toMatch(/web: paused, The new revision starts on `maxcloud resume web`\.$/)
  })
})
