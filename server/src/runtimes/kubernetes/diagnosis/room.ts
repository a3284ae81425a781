import { quantityOf } from "@maxcloud/synth"
import { Effect, Option, Schema } from "effect"
import type { KubeApi } from "../../kubeApi/KubeApi.ts"
import { listPages } from "../../kubeApi/listPages.ts"
import { amounts, type PodObject } from "../cache/objects.ts"
import type { Finding, Room } from "./Evidence.ts"

type Amounts = Readonly<Record<string, string | number>>

const Node = Schema.Struct({
  metadata: Schema.Struct({ name: Schema.String }),
  spec: Schema.optionalWith(
    Schema.Struct({
      unschedulable: Schema.optionalWith(Schema.Boolean, { default: () => false }),
      taints: Schema.optionalWith(Schema.Array(Schema.Struct({ effect: Schema.String })), { default: () => [] })
    }),
    { default: () => ({ unschedulable: false, taints: [] }) }
  ),
  status: Schema.Struct({ allocatable: amounts })
})
const Pod = Schema.Struct({
  spec: Schema.Struct({
    nodeName: Schema.optionalWith(Schema.String, { default: () => "" }),
    /** Of its RuntimeClass; the API server writes it into the pod. */
    overhead: amounts,
    containers: Schema.Array(
      Schema.Struct({
        resources: Schema.optionalWith(Schema.Struct({ requests: amounts }), { default: () => ({ requests: {} }) })
      })
    )
  })
})
const readNode = Schema.decodeUnknownOption(Node)
const readPod = Schema.decodeUnknownOption(Pod)

/** Milli-vCPU or bytes. */
const amountOf = (amounts: Amounts, what: "cpu" | "memory"): number => {
  const amount = Option.getOrElse(quantityOf(amounts[what] ?? 0), () => 0)
  return what === "cpu" ? Math.round(amount * 1000) : amount
}

type Containers = ReadonlyArray<{ readonly resources: { readonly requests: Amounts } }>

/** What the scheduler must find free on a node, for all containers together. */
const askedBy = (containers: Containers, what: "cpu" | "memory"): number =>
  containers.reduce((sum, { resources }) => sum + amountOf(resources.requests, what), 0)

const cpuText = (milli: number): string => `${Math.round(milli) / 1000} CPU`
const memoryText = (bytes: number): string =>
  bytes >= 10 * 2 ** 30 ? `${Math.floor(bytes / 2 ** 30)}Gi` : `${Math.floor(bytes / 2 ** 20)}Mi`

/** Tenants' pods tolerate no taint of a node that takes pods, so the control plane's nodes don't count, however idle they are. */
const takesPods = ({ spec }: typeof Node.Type): boolean =>
  !spec.unschedulable && !spec.taints.some(({ effect }) => effect === "NoSchedule" || effect === "NoExecute")

/** The most that is free on one of the nodes that take tenants' pods. */
export const mostFree = (
  nodes: ReadonlyArray<typeof Node.Type>,
  pods: ReadonlyArray<typeof Pod.Type>,
  what: "cpu" | "memory"
): Room | undefined => {
  const taken = new Map<string, number>()
  for (const { spec } of pods)
    taken.set(
      spec.nodeName,
      (taken.get(spec.nodeName) ?? 0) + askedBy(spec.containers, what) + amountOf(spec.overhead, what)
    )
  return nodes
    .filter(takesPods)
    .map(({ metadata: { name }, status }) => ({
      node: name,
      amount: Math.max(0, amountOf(status.allocatable, what) - (taken.get(name) ?? 0))
    }))
    .sort((a, b) => b.amount - a.amount)[0]
}

const patience = "5 seconds"

/** How long an answer holds: pods without room come by the hundred, and each question lists all pods of the cluster. */
export const roomHolds = "15 seconds"

/** Asks for the nodes and for what all pods of the cluster request from them, as the scheduler adds it up. */
export const roomOnNodes = (api: KubeApi["Type"]): Effect.Effect<Finding> =>
  Effect.gen(function* () {
    const [nodes, pods] = yield* Effect.all(
      [
        listPages(api.request, { method: "GET", path: "/api/v1/nodes" }, readNode),
        listPages(
          api.request,
          {
            method: "GET",
            path: "/api/v1/pods",
            query: { fieldSelector: "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed" }
          },
          readPod
        )
      ],
      { concurrency: 2 }
    )
    const cpu = mostFree(nodes.items, pods.items, "cpu")
    const memory = mostFree(nodes.items, pods.items, "memory")
    return { kind: "room", free: cpu === undefined || memory === undefined ? undefined : { cpu, memory } } as const
  }).pipe(
    Effect.timeout(patience),
    Effect.orElseSucceed(() => ({ kind: "room", free: undefined }) as const)
  )

/** Room as a message says it: what an instance asks for, and the most that a node has. Tenants read it, so it names no node. */
export const roomText = ({ spec }: Pick<PodObject, "spec">, found: Finding | undefined): string => {
  const asked = `an instance asks for ${cpuText(askedBy(spec.containers, "cpu"))} and ${memoryText(askedBy(spec.containers, "memory"))}`
  if (found?.kind !== "room" || found.free === undefined) return asked
  const { cpu, memory } = found.free
  const [cpuFree, memoryFree] = [cpuText(cpu.amount), memoryText(memory.amount)]
  return cpu.node === memory.node
    ? `${asked}; the most that is free on a node is ${cpuFree} and ${memoryFree}`
    : `${asked}; the most that is free on a node is ${cpuFree}, and ${memoryFree} on another`
}
