import type { OrganizationName, ServiceName } from "@maxcloud/config-schema"
import { label } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../kubeApi/kinds.ts"
import type { Callee } from "./expectations.ts"

const text = Schema.optionalWith(Schema.String, { default: () => "" })
const labels = Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })

const Pod = Schema.Struct({
  metadata: Schema.Struct({ namespace: Schema.String, labels, deletionTimestamp: Schema.optional(Schema.String) }),
  status: Schema.optionalWith(Schema.Struct({ phase: text, podIP: text }), {
    default: () => ({ phase: "", podIP: "" })
  })
})
const decodePods = Schema.decodeUnknown(Schema.Struct({ items: Schema.Array(Pod) }))
const isRunning = ({ metadata, status }: typeof Pod.Type) =>
  status.phase === "Running" && status.podIP !== "" && metadata.deletionTimestamp === undefined

const KnativeService = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.String,
    namespace: Schema.String,
    deletionTimestamp: Schema.optional(Schema.String)
  }),
  status: Schema.optionalWith(
    Schema.Struct({
      conditions: Schema.optionalWith(Schema.Array(Schema.Struct({ type: text, status: text })), {
        default: () => []
      })
    }),
    { default: () => ({ conditions: [] }) }
  )
})
const decodeServices = Schema.decodeUnknown(Schema.Struct({ items: Schema.Array(KnativeService) }))
/** Skip services that are being created or deleted: they have no name in the cluster yet or any more. */
const isThere = ({ metadata, status }: typeof KnativeService.Type) =>
  metadata.deletionTimestamp === undefined &&
  status.conditions.some((condition) => condition.type === "Ready" && condition.status === "True")

const ours = "app.kubernetes.io/managed-by=maxcloud"

/** The address of a running instance for each service. */
const instancesIn = (namespace: string) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const answer = yield* api.request({
      method: "GET",
      path: pathOf(kinds.pod, namespace),
      query: { labelSelector: ours }
    })
    const { items } = yield* Effect.orDie(decodePods(answer))
    const running = items.filter(isRunning)
    return new Map(running.map(({ metadata, status }) => [metadata.labels[label.service] ?? "", status.podIP]))
  })

const hostOf = (service: string, namespace: string) => `${service}.${namespace}.svc.cluster.local`

/** A service of another organization, a running one if possible. Its name must stay private. */
const anothers = (organization: OrganizationName) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const labelSelector = `${ours},${label.organization}!=${organization},${label.service}`
    const callee = (name: string, namespace: string, podAddress: string | undefined): Callee => ({
      to: "another organization",
      service: undefined,
      namespace,
      host: hostOf(name, namespace),
      podAddress
    })
    const services = yield* api.request({
      method: "GET",
      path: pathOf(kinds.service),
      query: { labelSelector, limit: "100" }
    })
    const there = (yield* Effect.orDie(decodeServices(services))).items.filter(isThere)
    const pods = yield* api.request({
      method: "GET",
      path: pathOf(kinds.pod),
      query: { labelSelector, fieldSelector: "status.phase=Running", limit: "100" }
    })
    const running = (yield* Effect.orDie(decodePods(pods))).items.filter(isRunning)
    const found = there.map(({ metadata: { name, namespace } }) =>
      callee(
        name,
        namespace,
        running.find(
          (object) => object.metadata.namespace === namespace && object.metadata.labels[label.service] === name
        )?.status.podIP
      )
    )
    const one = found.find((each) => each.podAddress !== undefined) ?? found[0]
    return one === undefined ? [] : [one]
  })

/** All services that a service of this namespace might call. */
export const calleesOf = (organization: OrganizationName, namespace: string, services: ReadonlyArray<ServiceName>) =>
  Effect.gen(function* () {
    const addresses = yield* instancesIn(namespace)
    const own = services.map(
      (service): Callee => ({
        to: service,
        service,
        namespace,
        host: hostOf(service, namespace),
        podAddress: addresses.get(service)
      })
    )
    return [...own, ...(yield* anothers(organization))]
  })
