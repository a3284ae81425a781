import type { OrganizationName, ServiceName } from "@maxcloud/config-schema"
import { label } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import { KubeApi } from "../runtime/kubernetes/api/KubeApi.ts"
import { kinds, pathOf } from "../runtime/kubernetes/api/kinds.ts"
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

const decodeServices = Schema.decodeUnknown(
  Schema.Struct({
    items: Schema.Array(Schema.Struct({ metadata: Schema.Struct({ name: Schema.String, namespace: Schema.String }) }))
  })
)

const ours = "app.kubernetes.io/managed-by=maxcloud"

/** By service, the address of an instance that runs. */
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

/** A service of somebody else, one that runs if there is one: which is nobody's business. */
const anothers = (organization: OrganizationName) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const labelSelector = `${ours},${label.organization}!=${organization},${label.service}`
    const callee = (name: string, namespace: string, podAddress: string | undefined): Callee => ({
      to: "another organization",
      service: undefined,
      host: hostOf(name, namespace),
      podAddress
    })
    const fieldSelector = "status.phase=Running"
    const pods = yield* api.request({
      method: "GET",
      path: pathOf(kinds.pod),
      query: { labelSelector, fieldSelector, limit: "20" }
    })
    const running = (yield* Effect.orDie(decodePods(pods))).items.find(isRunning)
    if (running !== undefined) {
      const { metadata, status } = running
      return [callee(metadata.labels[label.service] ?? "", metadata.namespace, status.podIP)]
    }
    const services = yield* api.request({
      method: "GET",
      path: pathOf(kinds.service),
      query: { labelSelector, limit: "1" }
    })
    const { items } = yield* Effect.orDie(decodeServices(services))
    return items.map(({ metadata }) => callee(metadata.name, metadata.namespace, undefined))
  })

/** Everybody whom a service of this namespace might call. */
export const calleesOf = (organization: OrganizationName, namespace: string, services: ReadonlyArray<ServiceName>) =>
  Effect.gen(function* () {
    const addresses = yield* instancesIn(namespace)
    const own = services.map(
      (service): Callee => ({
        to: service,
        service,
        host: hostOf(service, namespace),
        podAddress: addresses.get(service)
      })
    )
    return [...own, ...(yield* anothers(organization))]
  })
