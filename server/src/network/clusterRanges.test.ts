import { describe, expect, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { KubeApi, KubeError } from "../runtime/kubernetes/api/KubeApi.ts"
import { findClusterRanges, unknownText } from "./clusterRanges.ts"

type Answers = Readonly<Record<string, ReadonlyArray<unknown> | "forbidden" | "notFound">>

/** A fake: it knows these lists, and nothing else. */
const cluster = (answers: Answers): KubeApi["Type"] => ({
  server: "https://fake",
  request: ({ path }) => {
    const items = Object.entries(answers).find(([plural]) => path.endsWith(`/${plural}`))?.[1] ?? "notFound"
    return typeof items === "string"
      ? new KubeError({ reason: items, status: 404, statusReason: "", message: items, causes: [] })
      : Effect.succeed({ items })
  },
  unreachableSince: Effect.succeed(Option.none()),
  answer: () => Effect.die("nothing is passed on"),
  stream: () => Stream.die("nothing is streamed"),
  watch: () => Stream.die("nothing is watched")
})

const serviceCidrs = [{ spec: { cidrs: ["10.96.0.0/16", "fd00:10:96::/112"] } }]
const node = (address: string, podCIDRs: ReadonlyArray<string> = []) => ({
  spec: podCIDRs.length === 0 ? {} : { podCIDR: podCIDRs[0], podCIDRs },
  status: {
    addresses: [
      { type: "InternalIP", address },
      { type: "Hostname", address: "node-1" }
    ]
  }
})
const services = [{ spec: { clusterIPs: ["10.96.0.1"] } }, { spec: { clusterIPs: ["None"] } }, { spec: {} }]
const pod = (ip: string, hostNetwork = false) => ({ spec: { hostNetwork }, status: { podIPs: [{ ip }] } })
const endpointslices = [{ endpoints: [{ addresses: ["172.18.0.2"] }] }, { endpoints: null }]

const whole: Answers = {
  servicecidrs: serviceCidrs,
  nodes: [node("172.18.0.2", ["10.244.0.0/24"]), node("172.18.0.3", ["10.244.1.0/24"])],
  endpointslices,
  services,
  pods: [pod("10.244.0.7"), pod("10.244.1.9"), pod("172.18.0.3", true), { spec: {}, status: {} }]
}

const find = (answers: Answers, set: ReadonlyArray<string> = []) =>
  findClusterRanges(set).pipe(Effect.provideService(KubeApi, cluster(answers)))

describe("the cluster's own ranges", () => {
  it.effect("are those of Services, nodes, pods and the API server", () =>
    Effect.gen(function* () {
      const { found, unknown } = yield* find(whole)
      expect(unknown).toEqual([])
      expect(found.filter((_) => !_.includes(":"))).toEqual([
        "10.96.0.0/16",
        "10.244.0.0/24",
        "10.244.1.0/24",
        "172.18.0.2/32",
        "172.18.0.3/32"
      ])
    })
  )

  it.effect("are not known where pods have addresses that no node tells, until the operator tells them", () =>
    Effect.gen(function* () {
      const calico = { ...whole, pods: [pod("10.244.0.7"), pod("192.168.3.4"), pod("192.168.3.5")] }
      const ranges = yield* find(calico)
      expect(ranges.unknown.map((_) => _.of)).toEqual(["pods"])
      expect(unknownText(ranges)).toMatch(/^pods: no known range holds 192\.168\.3\.4 and 1 more/)
      expect((yield* find(calico, ["192.168.0.0/16"])).unknown).toEqual([])
      const none = { ...whole, nodes: [node("172.18.0.2")] }
      expect(unknownText(yield* find(none))).toMatch(/pods: the cluster doesn't say which range/)
      expect((yield* find(none, ["10.244.0.0/16"])).unknown).toEqual([])
    })
  )

  it.effect("are not known where Kubernetes is older than 1.33, or the server's role is", () =>
    Effect.gen(function* () {
      const old: Answers = { ...whole, servicecidrs: "notFound" }
      expect(unknownText(yield* find(old))).toMatch(/Services: the cluster doesn't say/)
      expect(unknownText(yield* find(old, ["10.240.0.0/16"]))).toMatch(/Services: no known range holds 10\.96\.0\.1,/)
      expect((yield* find(old, ["10.96.0.0/12"])).unknown).toEqual([])
      const forbidden: Answers = { ...whole, services: "forbidden" }
      expect(unknownText(yield* find(forbidden))).toMatch(/may not list Services: run `maxcloud cluster install`/)
    })
  )
})
