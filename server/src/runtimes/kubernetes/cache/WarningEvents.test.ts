import { expect, it } from "@effect/vitest"
import type { EventObject } from "./objects.ts"
import { WarningEvents } from "./WarningEvents.ts"

const event = (name: string, involved: string, namespace: string): EventObject => ({
  metadata: {
    name,
    namespace,
    uid: "",
    resourceVersion: "",
    generation: 0,
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: {},
    annotations: {},
    finalizers: [],
    managedFields: [],
    ownerReferences: []
  },
  involvedObject: { kind: "Pod", namespace, name: involved, uid: "", fieldPath: "" },
  type: "Warning",
  reason: "BackOff",
  message: "",
  count: 1,
  lastTimestamp: "2026-01-01T00:00:00Z",
  eventTime: null
})
const now = Date.parse("2026-01-01T00:00:01Z")

it("keeps the newest 20 warnings of an object, and 500 of a namespace", () => {
  const warnings = new WarningEvents((namespace) => namespace === "ours")
  for (let index = 0; index < 30; index++) warnings.put(event(`busy-${index}`, "web", "ours"))
  expect(warnings.size).toBe(20)
  expect(warnings.of("ours", { kind: "Pod", name: "web" }, now)[0]?.metadata.name).toBe("busy-10")
  for (let index = 0; index < 2_000; index++) warnings.put(event(`one-${index}`, `pod-${index}`, "ours"))
  expect(warnings.size).toBe(500)
  expect(warnings.of("ours", { kind: "Pod", name: "web" }, now)).toEqual([])
  expect(warnings.of("ours", { kind: "Pod", name: "pod-1499" }, now)).toEqual([])
  expect(warnings.of("ours", { kind: "Pod", name: "pod-1500" }, now)).toHaveLength(1)
  for (let index = 0; index < 2_000; index++) warnings.remove(event(`one-${index}`, `pod-${index}`, "ours"))
  expect(warnings.size).toBe(0)
})

it("keeps at most 500 warnings of other namespaces, in case one becomes ours", () => {
  const ours = new Set<string>()
  const warnings = new WarningEvents((namespace) => ours.has(namespace))
  for (let index = 0; index < 3_000; index++) warnings.put(event(`one-${index}`, "web", `other-${index % 10}`))
  ours.add("other-1")
  expect(warnings.adopt("other-1")).toHaveLength(50)
})
