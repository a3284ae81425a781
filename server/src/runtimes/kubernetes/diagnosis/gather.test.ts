import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { mockCluster } from "../../../../test/kubernetes/mockCluster.ts"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import { deploymentName } from "../deploymentName.ts"
import { gather } from "./gather.ts"

it.effect.each(["web-00001", `${"a".repeat(55)}-00001`])(
  "the error of creating an instance is found for the revision %s",
  (revision) =>
    Effect.gen(function* () {
      const api = yield* KubeApi
      const found = yield* gather(api, Effect.die("unused"), {
        kind: "creation",
        key: "creation",
        namespace: "acme",
        revision
      })
      expect(found).toEqual({ kind: "creation", message: "exceeded quota" })
    }).pipe(
      Effect.provide(
        mockCluster(
          {
            request: () =>
              Effect.succeed({
                items: [
                  {
                    involvedObject: { name: `${deploymentName(revision)}-6d4cf56db6` },
                    message: "Error creating: exceeded quota"
                  },
                  { involvedObject: { name: "other-00001-deployment-6d4cf56db6" }, message: "Error creating: no" }
                ]
              })
          },
          {}
        )
      )
    )
)
