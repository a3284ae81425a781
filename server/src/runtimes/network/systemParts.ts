import type { NetworkProbe } from "@maxcloud/sdk/api"
import { label } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { knativeNamespace } from "../kubeApi/systemNames.ts"
import type { ProbeTarget } from "./probe.ts"

/** Something that no service may reach, whatever its links and `egress`. */
export interface ClosedTarget {
  readonly to: string
  readonly by: NetworkProbe["by"]
  readonly target: Omit<ProbeTarget, "id" | "expected">
}

const text = Schema.optionalWith(Schema.String, { default: () => "" })

const Services = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({
        name: Schema.String,
        labels: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), {
          default: () => ({})
        })
      }),
      spec: Schema.Struct({
        clusterIP: text,
        ports: Schema.optionalWith(Schema.Array(Schema.Struct({ port: Schema.Int })), { default: () => [] })
      })
    })
  )
})
type Service = (typeof Services.Type)["items"][number]

const EndpointSlices = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      addressType: text,
      endpoints: Schema.optionalWith(
        Schema.NullOr(Schema.Array(Schema.Struct({ addresses: Schema.Array(Schema.String) }))),
        { default: () => null }
      ),
      ports: Schema.optionalWith(Schema.NullOr(Schema.Array(Schema.Struct({ port: Schema.optional(Schema.Int) }))), {
        default: () => null
      })
    })
  )
})

const servicesIn = (namespace: string) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const answer = yield* api.request({ method: "GET", path: `/api/v1/namespaces/${namespace}/services` })
    const { items } = yield* Effect.orDie(Schema.decodeUnknown(Services)(answer))
    return items.filter((item) => item.spec.clusterIP !== "" && item.spec.clusterIP !== "None")
  })

/** One address of each port behind a Service: policies apply there, after the Service's own address is resolved. */
const endpointsOf = (namespace: string, service: string) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const answer = yield* api.request({
      method: "GET",
      path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
      query: { labelSelector: `kubernetes.io/service-name=${service}` }
    })
    const { items } = yield* Effect.orDie(Schema.decodeUnknown(EndpointSlices)(answer))
    return items.flatMap(({ addressType, endpoints, ports }) => {
      const host = addressType === "IPv4" ? endpoints?.[0]?.addresses[0] : undefined
      return host === undefined ? [] : (ports ?? []).flatMap(({ port }) => (port === undefined ? [] : [{ host, port }]))
    })
  })

const parts = [
  { to: "activator", service: "activator-service" },
  { to: "autoscaler", service: "autoscaler" }
] as const

const byAddress = (to: string, address: { readonly host: string; readonly port: number }): ClosedTarget => ({
  to,
  by: "address",
  target: { way: "tcp", ...address }
})

const addressesOf = ({ spec }: Service) => spec.ports.map(({ port }) => ({ host: spec.clusterIP, port }))

/** Requests to the internal gateway for a host that isn't a max-cloud service: it must not have the host, or must refuse. */
const atGateway = (to: string, gateway: string, hostHeader: string): ClosedTarget => ({
  to,
  by: "host",
  target: { way: "http", host: gateway, port: 80, hostHeader, judge: "route" }
})

/** Addresses at which clouds serve a machine's credentials, one of each address family. */
const metadata = ["169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16"]
const kubeletPort = 10_250

/**
 * The targets that are closed to everybody, each by its address and by its name as a Host at the gateway: the activator and the
 * autoscaler by each of their addresses, and the activator also with another service's Host; other organizations' revisions by
 * their Services' addresses; the API server, the kubelet, and metadata.
 */
export const closedTargets = (
  gateway: string,
  another: { readonly namespace: string; readonly host: string } | undefined
) =>
  Effect.gen(function* () {
    const services = yield* servicesIn(knativeNamespace)
    const ofParts = yield* Effect.forEach(parts, ({ service, to }) =>
      Effect.gen(function* () {
        const behind = yield* endpointsOf(knativeNamespace, service)
        const found = services.filter((object) => object.metadata.name === service)
        return [
          ...found.flatMap(addressesOf).map((value) => byAddress(to, value)),
          ...behind.map((value) => byAddress(to, value)),
          atGateway(to, gateway, `${service}.${knativeNamespace}.svc.cluster.local`)
        ]
      })
    )
    const activator = services.find((service) => service.metadata.name === "activator-service")
    const revisions = another === undefined ? [] : yield* servicesIn(another.namespace)
    const ofRevisions = revisions
      .filter((revision) => revision.metadata.labels[label.revision] !== undefined)
      .slice(0, 4)
      .flatMap((service): ReadonlyArray<ClosedTarget> => {
        const host = `${service.metadata.name}.${another?.namespace}.svc.cluster.local`
        const at = { host: service.spec.clusterIP, port: 80 }
        return [
          {
            to: "another organization's revision",
            by: "address",
            target: { way: "http", ...at, hostHeader: host, judge: "connection" }
          },
          ...(activator === undefined
            ? []
            : [
                {
                  to: "another organization's revision",
                  by: "activator",
                  target: {
                    way: "http",
                    host: activator.spec.clusterIP,
                    port: 80,
                    hostHeader: host,
                    judge: "connection"
                  }
                } as const
              ])
        ]
      })
    const api = yield* endpointsOf("default", "kubernetes")
    return [
      ...ofParts.flat(),
      ...ofRevisions,
      byAddress("API server", { host: "api", port: 443 }),
      ...api.map((value) => byAddress("API server", value)),
      atGateway("API server", gateway, "kubernetes.default.svc.cluster.local"),
      byAddress("node", { host: "node", port: kubeletPort }),
      ...metadata.map((host) => byAddress("cloud metadata", { host, port: 80 })),
      ...metadata.map((host) => atGateway("cloud metadata", gateway, host))
    ] satisfies ReadonlyArray<ClosedTarget>
  })
