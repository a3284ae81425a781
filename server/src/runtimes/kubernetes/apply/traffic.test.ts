import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { condition, knativeRevision, knativeService, pod } from "../../../../test/kubernetes/testObjects.ts"
import { isReadyElsewhere } from "../../../control/deployments/statuses/progress.ts"
import { noVerdict } from "../diagnosis/Evidence.ts"
import { statusOf } from "../status/statusOf.ts"
import { foreignFields } from "./managedFields.ts"
import { heldTarget, isHeld } from "./traffic.ts"

const entry = (manager: string, fieldsV1: unknown, operation = "Apply") => ({ manager, operation, fieldsV1, time: "" })
const traffic = { "f:spec": { "f:traffic": {} } }
const held = [entry("maxcloud-traffic", traffic)]

describe("requests of a service whose deployment has failed", () => {
  it("stay with the revision that receives them, or else with none", () => {
    const newest = { created: "web-00003" }
    expect(heldTarget("web", knativeService({ ...newest, ready: "web-00002" }))).toBe("web-00002")
    // It became ready a moment ago, and requests haven't moved yet.
    expect(heldTarget("web", knativeService({ ...newest, ready: "web-00003", traffic: "web-00002" }))).toBe("web-00002")
    expect(heldTarget("web", knativeService({ ...newest, ready: "" }))).toBe("web-none")
    expect(heldTarget("web", knativeService({ ...newest, ready: "web-00003", traffic: "" }))).toBe("web-none")
  })

  it("stay with the newest revision if it receives them: it went live before it became unwell", () => {
    expect(heldTarget("web", knativeService({ created: "web-00003", ready: "web-00003" }))).toBeUndefined()
  })

  it("stay where an earlier failure left them, whichever revision has become ready since", () => {
    const input = { created: "web-00004", ready: "web-00003", traffic: "web-00002", managedFields: held }
    expect(heldTarget("web", knativeService(input))).toBeUndefined()
  })

  it("are pinned by a field manager that owns the traffic and nothing else", () => {
    const metadataOf = (managedFields: ReadonlyArray<unknown>) => knativeService({ managedFields }).metadata
    const foreign = (managedFields: ReadonlyArray<unknown>) =>
      foreignFields("Service", metadataOf(managedFields).managedFields)
    expect(isHeld(metadataOf(held))).toBe(true)
    expect(foreign(held)).toEqual([])
    const more = { "f:spec": { "f:traffic": {}, "f:template": { "f:spec": {} } } }
    expect(foreign([entry("maxcloud-traffic", more)])).toMatchObject([{ manager: "maxcloud-traffic" }])
    expect(foreign([entry("kubectl", traffic)])).toMatchObject([{ manager: "kubectl" }])
    expect(isHeld(metadataOf([entry("kubectl", traffic)]))).toBe(false)
  })

  const statusWith = (input: Parameters<typeof knativeService>[0]) =>
    statusOf(
      ServiceName.make("web"),
      knativeService({ managedFields: held, ...input }),
      [knativeRevision([], {}, "web-00003")],
      [pod()],
      noVerdict
    )

  it("show it as failed even if its revision becomes ready too late, and tell a deployment that it can have them", () => {
    const late = statusWith({
      created: "web-00003",
      ready: "web-00003",
      traffic: "web-00002",
      conditions: [condition("Ready", "True"), condition("ConfigurationsReady", "True")]
    })
    expect(late).toMatchObject({ state: "failed", held: true, traffic: [{ revision: "web-00002" }] })
    expect(isReadyElsewhere(late)).toBe(true)
  })

  it("don't mention a new revision in progress", () => {
    const underWay = statusWith({
      created: "web-00003",
      ready: "",
      conditions: [
        condition("Ready", "False", "RevisionMissing"),
        condition("RoutesReady", "False", "RevisionMissing"),
        condition("ConfigurationsReady", "Unknown")
      ]
    })
    expect(underWay).toMatchObject({ state: "pending", held: true })
    expect(isReadyElsewhere(underWay)).toBe(false)
  })
})
