import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Answers, fakeLists, node, pod, whole } from "../../../test/network/fakeLists.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { findClusterRanges, unknownText } from "./clusterRanges.ts"

const find = (answers: Answers, set: ReadonlyArray<string> = []) =>
  findClusterRanges(set).pipe(
    Effect.provideService(
      KubeApi,
      fakeLists(() => answers)
    )
  )

describe("the cluster's own ranges", () => {
  it.effect("are those of Services, nodes, pods and the API server", () =>
    Effect.gen(function* () {
      const { found, unknown } = yield* find(whole)
      expect(unknown).toEqual([])
      expect(found.filter((text) => !text.includes(":"))).toEqual([
        "10.96.0.0/16",
        "10.244.0.0/24",
        "10.244.1.0/24",
        "172.18.0.2/32",
        "172.18.0.3/32"
      ])
    })
  )

  it.effect("are unknown if pods have addresses that no node reports, until the operator sets them", () =>
    Effect.gen(function* () {
      const calico = { ...whole, pods: [pod("10.244.0.7"), pod("192.168.3.4"), pod("192.168.3.5")] }
      const ranges = yield* find(calico)
      expect(ranges.unknown.map((each) => each.of)).toEqual(["pods"])
      expect(unknownText(ranges)).toMatch(/^pods: no known range contains 192\.168\.3\.4 and 1 more/)
      expect((yield* find(calico, ["192.168.0.0/16"])).unknown).toEqual([])
      const none = { ...whole, nodes: [node("172.18.0.2")] }
      expect(unknownText(yield* find(none))).toMatch(/pods: the cluster doesn't report the range/)
      expect((yield* find(none, ["10.244.0.0/16"])).unknown).toEqual([])
    })
  )

  it.effect("are unknown if Kubernetes or the server's role is older than 1.33", () =>
    Effect.gen(function* () {
      const old: Answers = { ...whole, servicecidrs: "notFound" }
      expect(unknownText(yield* find(old))).toMatch(/Services: the cluster doesn't report/)
      expect(unknownText(yield* find(old, ["10.240.0.0/16"]))).toMatch(
        /Services: no known range contains 10\.96\.0\.1,/
      )
      expect((yield* find(old, ["10.96.0.0/12"])).unknown).toEqual([])
      const forbidden: Answers = { ...whole, services: "forbidden" }
      expect(unknownText(yield* find(forbidden))).toMatch(
        /isn't allowed to list Services. Run `maxcloud cluster install`/
      )
    })
  )
})
