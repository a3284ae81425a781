import { describe, expect, it } from "@effect/vitest"
import { mostFree } from "./room.ts"

const node = (name: string, cpu: string, memory: string, unschedulable = false) => ({
  metadata: { name },
  spec: { unschedulable },
  status: { allocatable: { cpu, memory } }
})
const pod = (nodeName: string, ...requests: ReadonlyArray<Readonly<Record<string, string>>>) => ({
  spec: { nodeName, containers: requests.map((each) => ({ resources: { requests: each } })) }
})

describe("room on the nodes", () => {
  const nodes = [node("a", "4", "8Gi"), node("b", "2", "16Gi"), node("drained", "64", "256Gi", true)]
  const pods = [
    pod("a", { cpu: "3500m", memory: "1Gi" }, { cpu: "25m" }),
    pod("b", { cpu: "250m", memory: "12Gi" }),
    pod("b", {})
  ]

  it("is what is allocatable less what all pods request, on the node with the most", () => {
    expect(mostFree(nodes, pods, "cpu")).toEqual({ node: "b", amount: 1750 })
    expect(mostFree(nodes, pods, "memory")).toEqual({ node: "a", amount: 7 * 2 ** 30 })
  })

  it("is never less than nothing, and unknown without nodes", () => {
    expect(mostFree([node("a", "1", "1Gi")], pods, "cpu")).toEqual({ node: "a", amount: 0 })
    expect(mostFree([], pods, "cpu")).toBeUndefined()
  })
})
