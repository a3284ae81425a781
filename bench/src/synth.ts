import { AppName, type AppSpec, apiVersion, ServiceSpec } from "@maxcloud/config-schema"
import { offlineTenant, synth } from "@maxcloud/synth"
import { ApiObject, App, Chart } from "cdk8s"
import { k8s } from "cdk8s-plus-30"
import { Schema } from "effect"
import { type Benchmark, interleaved, seconds, times } from "./measure.ts"

const decodeService = Schema.decodeUnknownSync(ServiceSpec)

const specOf = (count: number): AppSpec => {
  const services = Array.from({ length: count }, (_, index) => ({
    name: `service-${index}`,
    image: "nginx:1.27",
    env: {
      TOKEN: { secret: "TOKEN" },
      ...(index === 0 ? {} : { PREVIOUS: { service: `service-${index - 1}`, property: "url" } })
    }
  }))
  // More services than an app can have, to show how the time grows.
  const app = AppName.make("bench")
  return { apiVersion, app, services: services.map((service) => decodeService(service)), exports: {}, outputs: {} }
}

/** The same with plain cdk8s: one App, one Chart for each service, and the same kinds of objects. */
const plain = (count: number) => {
  const app = new App()
  const charts = Array.from({ length: count }, (_, index) => {
    const name = `service-${index}`
    const chart = new Chart(app, name, { namespace: "bench", disableResourceNameHashes: true, labels: { app: name } })
    new k8s.KubeServiceAccount(chart, "account", { metadata: { name } })
    new k8s.KubeSecret(chart, "secret", { metadata: { name: `${name}-env` } })
    new k8s.KubeNetworkPolicy(chart, "in", {
      metadata: { name: `${name}-in` },
      spec: { podSelector: { matchLabels: { app: name } }, policyTypes: ["Ingress"], ingress: [{}] }
    })
    new k8s.KubeNetworkPolicy(chart, "out", {
      metadata: { name: `${name}-out` },
      spec: { podSelector: { matchLabels: { app: name } }, policyTypes: ["Egress"], egress: [{}] }
    })
    new ApiObject(chart, "service", {
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: { name },
      spec: { template: { spec: { containers: [{ image: "nginx:1.27", ports: [{ containerPort: 8080 }] }] } } }
    })
    return chart
  })
  return charts.flatMap((chart): Array<unknown> => chart.toJson())
}

const timed = (work: () => unknown) => () => {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1e9
}

/** Generating an app's manifests, compared with plain cdk8s. */
export const synthBenchmark: Benchmark = {
  name: "synth",
  run: async () => {
    const rows = []
    let ofThousand = Number.NaN
    for (const count of [10, 100, 1000, 5000]) {
      const spec = specOf(count)
      const ours = timed(() => synth(spec, offlineTenant(spec)))
      // The peer's time grows quadratically: 5,000 services take minutes.
      const withPeer = count <= 1000
      const [mine = Number.NaN, peer = Number.NaN] = await interleaved(withPeer ? 5 : 3, [
        ours,
        ...(withPeer ? [timed(() => plain(count))] : [])
      ])
      if (count === 1000) ofThousand = mine
      rows.push({
        work: `synth of ${count} services`,
        ours: seconds(mine),
        peer: withPeer ? `plain cdk8s ${seconds(peer)}` : "synth of 1000 services",
        ratio: times(mine / (withPeer ? peer : ofThousand)),
        goal: count === 1000 ? "≤ 0.7 ×" : count === 5000 ? "≤ 2 s, ≤ 6 ×" : ""
      })
    }
    return rows
  }
}
