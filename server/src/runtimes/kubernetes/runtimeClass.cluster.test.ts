import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { describeCluster, layerTest } from "../../../test/kubeApi/testCluster.ts"
import { defaultRuntimeClass } from "./runtimeClass.ts"

describeCluster("the runtime class of organizations (KUBECONFIG with gVisor)", () => {
  layer(layerTest, { excludeTestServices: true })((it) => {
    it.effect("is gVisor by default", () =>
      Effect.map(defaultRuntimeClass(undefined, undefined), (found) => expect(found).toEqual({ name: "gvisor" }))
    )
  })
})
