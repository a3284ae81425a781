import { Effect, Option, Stream } from "effect"
import { type KubeApi, KubeError } from "../../src/runtimes/kubeApi/KubeApi.ts"

/** Items by the plural of their kind, or why there are none. */
export type Answers = Readonly<Record<string, ReadonlyArray<unknown> | KubeError["reason"]>>

/** A fake: it knows only the current lists. */
export const fakeLists = (answers: () => Answers): KubeApi["Type"] => ({
  server: "https://fake",
  request: ({ path }) => {
    const items = Object.entries(answers()).find(([plural]) => path.endsWith(`/${plural}`))?.[1] ?? "notFound"
    return typeof items === "string"
      ? new KubeError({ reason: items, status: 404, statusReason: "", message: items, causes: [] })
      : Effect.succeed({ items })
  },
  unreachableSince: Effect.succeed(Option.none()),
  unreachable: Effect.succeed(Option.none()),
  check: Effect.succeed(Option.none()),
  awayMillis: Effect.succeed(0),
  awaySince: () => 0,
  answer: () => Effect.die("nothing is passed on"),
  stream: () => Stream.die("nothing is streamed"),
  socket: () => Effect.die("nothing is opened"),
  list: () => Effect.die("nothing is listed by kind"),
  watch: () => Stream.die("nothing is watched"),
  watches: Effect.succeed([])
})

const serviceCidrs = [{ spec: { cidrs: ["10.96.0.0/16", "fd00:10:96::/112"] } }]
export const node = (address: string, podCIDRs: ReadonlyArray<string> = []) => ({
  spec: podCIDRs.length === 0 ? {} : { podCIDR: podCIDRs[0], podCIDRs },
  status: {
    addresses: [
      { type: "InternalIP", address },
      { type: "Hostname", address: "node-1" }
    ]
  }
})
const services = [{ spec: { clusterIPs: ["10.96.0.1"] } }, { spec: { clusterIPs: ["None"] } }, { spec: {} }]
export const pod = (ip: string, hostNetwork = false) => ({ spec: { hostNetwork }, status: { podIPs: [{ ip }] } })
const endpointslices = [{ endpoints: [{ addresses: ["172.18.0.2"] }] }, { endpoints: null }]

/** A cluster that reveals everything. */
export const whole: Answers = {
  servicecidrs: serviceCidrs,
  nodes: [node("172.18.0.2", ["10.244.0.0/24"]), node("172.18.0.3", ["10.244.1.0/24"])],
  endpointslices,
  services,
  pods: [pod("10.244.0.7"), pod("10.244.1.9"), pod("172.18.0.3", true), { spec: {}, status: {} }]
}
