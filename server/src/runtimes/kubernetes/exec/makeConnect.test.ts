import { expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { PodObject } from "../cache/objects.ts"
import { portRefusal } from "./makeConnect.ts"

const decodePod = Schema.decodeUnknownSync(PodObject)

const podWith = (more: object) =>
  decodePod({
    metadata: { name: "web-1" },
    spec: { containers: [{ name: "user-container" }, { name: "queue-proxy" }], ...more }
  })

const init = (restartPolicy?: string) => podWith({ initContainers: [{ name: "mesh", restartPolicy }] })
const debugged = podWith({ ephemeralContainers: [{ name: "debugger-x7" }] })
const meshed = podWith({
  containers: [{ name: "user-container" }, { name: "queue-proxy" }, { name: "istio-proxy" }]
})
const withoutProxy = podWith({ containers: [{ name: "user-container" }] })

it("reaches every port of a pod with only the program, and of one whose init containers have ended", () => {
  for (const pod of [podWith({}), withoutProxy, init(), init("Never")]) {
    expect(portRefusal(pod, { port: 9229, declaredPort: 8080 })).toBeUndefined()
  }
})

it("reaches only the service's own port beside other containers: ordinary, native sidecars and ephemeral ones", () => {
  for (const pod of [meshed, init("Always"), debugged]) {
    expect(portRefusal(pod, { port: 15_000, declaredPort: 8080 })).toContain("only the service's own port 8080")
    expect(portRefusal(pod, { port: 8080, declaredPort: 8080 })).toBeUndefined()
  }
})
