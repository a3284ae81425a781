import { describe, expect, it } from "@effect/vitest"
import { mostFree } from "./room.ts"

const node = (
  name: string,
  cpu: string,
  memory: string,
  { effects = [], unschedulable = false }: { effects?: ReadonlyArray<string>; unschedulable?: boolean } = {}
) => ({
  metadata: { name },
  spec: { unschedulable, taints: effects.map((effect) => ({ effect })) },
  status: { allocatable: { cpu, memory } }
})
const pod = (nodeName: string, ...requests: ReadonlyArray<Readonly<Record<string, string>>>) => ({
  spec: { nodeName, overhead: {}, containers: requests.map((each) => ({ resources: { requests: each } })) }
})

describe("room on the nodes", () => {
  const nodes = [node("a", "4", "8Gi"), node("b", "2", "16Gi"), node("drained", "64", "256Gi", { unschedulable: true })]
  const pods = [
    pod("a", { cpu: "3500m", memory: "1Gi" }, { cpu: "25m" }),
    pod("b", { cpu: "250m", memory: "12Gi" }),
    pod("b", {})
  ]

  it("is what is allocatable less what all pods request, on the node with the most", () => {
    expect(mostFree(nodes, pods, "cpu")).toEqual({ node: "b", amount: 1750 })
    expect(mostFree(nodes, pods, "memory")).toEqual({ node: "a", amount: 7 * 2 ** 30 })
  })

  it.each(["NoSchedule", "NoExecute"])(
    "isn't on a node with a taint %s, as those of the control plane have",
    (effect) => {
      const tainted = node("tainted", "64", "256Gi", { effects: ["PreferNoSchedule", effect] })
      expect(mostFree([...nodes, tainted], pods, "cpu")?.node).toBe("b")
      expect(mostFree([tainted], pods, "cpu")).toBeUndefined()
      const avoided = node("avoided", "64", "256Gi", { effects: ["PreferNoSchedule"] })
      expect(mostFree([...nodes, avoided], pods, "cpu")?.node).toBe("avoided")
    }
  )

  it("counts the overhead of the pods' runtime class", () => {
    const sandboxed = { spec: { nodeName: "b", overhead: { cpu: "250m", memory: "1Gi" }, containers: [] } }
    expect(mostFree(nodes, [...pods, sandboxed], "cpu")).toEqual({ node: "b", amount: 1500 })
  })

  it("is never less than nothing, and unknown without nodes", () => {
    expect(mostFree([node("a", "1", "1Gi")], pods, "cpu")).toEqual({ node: "a", amount: 0 })
    expect(mostFree([], pods, "cpu")).toBeUndefined()
  })
})
