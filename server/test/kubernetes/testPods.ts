import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import { type LogEntry, OrganizationId } from "@maxcloud/sdk/api"
import { label } from "@maxcloud/synth"
import { Effect, Schedule } from "effect"
import { KubeApi } from "../../src/runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import type { LogQuery, ServiceKey } from "../../src/runtimes/port/Runtime.ts"
import { buildGoProgram } from "../images/goProgram.ts"
import { pushImage } from "../images/pushImage.ts"
import { startTestRegistry } from "../registry/testRegistry.ts"

export const newServiceKey = (prefix: string): ServiceKey => {
  const name = `${prefix}-${randomBytes(4).toString("hex")}`
  return {
    organizationId: OrganizationId.make(`org_${randomBytes(16).toString("hex")}`),
    organization: OrganizationName.make(name),
    app: AppName.make("shop"),
    stage: StageName.make("production"),
    namespace: name,
    service: ServiceName.make("writer")
  }
}

export const queryOf = (key: ServiceKey, options: Partial<LogQuery> = {}): LogQuery => ({
  key,
  follow: false,
  since: undefined,
  revision: undefined,
  tail: undefined,
  after: undefined,
  ...options
})

const labelsOf = (key: ServiceKey) => ({
  "app.kubernetes.io/managed-by": "maxcloud",
  [label.organization]: key.organization,
  [label.organizationId]: key.organizationId,
  [label.stage]: key.stage
})

/** The image of the program that writes numbered lines, by digest, in a registry that lives as long as the scope. */
export const linesImage = Effect.gen(function* () {
  const registry = yield* Effect.acquireRelease(
    Effect.promise(() => startTestRegistry()),
    (found) => Effect.promise(() => found[Symbol.asyncDispose]())
  )
  const content = yield* Effect.promise(() => buildGoProgram("lines", "amd64"))
  const pushed = yield* Effect.promise(() =>
    pushImage(
      { files: [{ path: "/lines", content }], entrypoint: ["/lines"], user: "1000" },
      { host: registry.host, name: "lines", tag: "1" }
    )
  )
  return `${registry.host}/lines@${pushed.digest}`
})

/** The namespace of a service, removed with the scope. */
export const namespaceFor = (key: ServiceKey) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const metadata = { name: key.namespace, labels: labelsOf(key) }
    yield* Effect.acquireRelease(
      api.request({
        method: "POST",
        path: pathOf(kinds.namespace),
        body: { apiVersion: "v1", kind: "Namespace", metadata }
      }),
      () => Effect.ignore(api.request({ method: "DELETE", path: pathOf(kinds.namespace, undefined, key.namespace) }))
    )
    // A pod is refused until its account has been created.
    yield* api
      .request({ method: "GET", path: pathOf(kinds.serviceAccount, key.namespace, "default") })
      .pipe(Effect.retry({ times: 50, schedule: Schedule.spaced("100 millis") }))
  })

/** A pod like those of a Knative Service, as far as logs are concerned. */
export const startPod = (
  key: ServiceKey,
  image: string,
  name: string,
  env: Readonly<Record<string, string>>,
  revision = "writer-00001"
) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    yield* api.request({
      method: "POST",
      path: pathOf(kinds.pod, key.namespace),
      body: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name,
          labels: { ...labelsOf(key), [label.service]: key.service, [label.revision]: revision }
        },
        spec: {
          terminationGracePeriodSeconds: 3,
          automountServiceAccountToken: false,
          containers: [
            { name: "user-container", image, env: Object.entries(env).map(([name, value]) => ({ name, value })) }
          ]
        }
      }
    })
  })

export const deletePod = (key: ServiceKey, name: string) =>
  Effect.flatMap(KubeApi, (api) => api.request({ method: "DELETE", path: pathOf(kinds.pod, key.namespace, name) }))

export const eventually = async (what: string, holds: () => boolean, seconds = 30) => {
  for (let i = 0; i < seconds * 20; i++) {
    if (holds()) return
    await sleep(50)
  }
  throw new Error(`not within ${seconds} s: ${what}`)
}

/** By run of the program, the numbers that it wrote, in order of arrival. */
export const numbersOf = (entries: ReadonlyArray<LogEntry>) => {
  const runs = new Map<string, Array<number>>()
  for (const { line, stream } of entries) {
    const [run = "", number = ""] = line.split(" ")
    if (stream === "system" || number === "end") continue
    runs.set(run, [...(runs.get(run) ?? []), Number(number)])
  }
  return runs
}
