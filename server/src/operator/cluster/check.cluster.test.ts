import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { describeCluster, layerTest } from "../../../test/kubeApi/testCluster.ts"
import { check } from "./check.ts"

describeCluster("the check of runtime classes (KUBECONFIG)", () => {
  layer(layerTest, { excludeTestServices: true })((it) => {
    const classesMissing = (runtimeClass: string | undefined) =>
      Effect.map(check({ domain: undefined, namespacePrefix: undefined, runtimeClass }, undefined), (findings) =>
        findings.flatMap(({ message }) => /no RuntimeClass (\S+)/.exec(message)?.[1] ?? [])
      )

    it.effect("names those that the setting needs and the cluster lacks", () =>
      Effect.gen(function* () {
        expect(yield* classesMissing("nothing-has-this,acme=none,lab=nor-this")).toEqual([
          "nothing-has-this",
          "nor-this"
        ])
        expect(yield* classesMissing("none")).toEqual([])
        expect(yield* Effect.flip(classesMissing("gVisor"))).toMatchObject({ _tag: "ClusterProblem" })
      })
    )
  })
})
