import { Effect, Option, Schema } from "effect"
import { cachedFor } from "../../base/node/monotonic.ts"
import type { KubeApi } from "../kubeApi/KubeApi.ts"

const Nodes = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      spec: Schema.optionalWith(
        Schema.Struct({ unschedulable: Schema.optionalWith(Schema.Boolean, { default: () => false }) }),
        { default: () => ({ unschedulable: false }) }
      ),
      status: Schema.Struct({
        nodeInfo: Schema.Struct({ architecture: Schema.String, operatingSystem: Schema.String })
      })
    })
  )
})
const decodeNodes = Schema.decodeUnknownOption(Nodes)

/** The platforms of the cluster's nodes, such as `linux/amd64`, looked up once a minute. Empty if they are unknown. */
export const nodePlatforms = (api: KubeApi["Type"]): (() => Effect.Effect<ReadonlyArray<string>>) => {
  const look = api.request({ method: "GET", path: "/api/v1/nodes" }).pipe(
    Effect.map((answer) =>
      Option.match(decodeNodes(answer), {
        onNone: (): ReadonlyArray<string> => [],
        onSome: ({ items }) => [
          ...new Set(
            items
              .filter((item) => !item.spec.unschedulable)
              .map(({ status: { nodeInfo } }) => `${nodeInfo.operatingSystem}/${nodeInfo.architecture}`)
          )
        ]
      })
    ),
    Effect.catchAll((error) =>
      Effect.as(Effect.logWarning("Couldn't read the platforms of the cluster's nodes", error.message), [])
    )
  )
  const kept = Effect.runSync(cachedFor(look, "1 minute"))
  return () => kept
}
