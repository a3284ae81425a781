import { Context, Effect } from "effect"

/** The platforms of the nodes that run services, such as `linux/amd64`. Empty if they're unknown, as on this machine. */
export class NodePlatforms extends Context.Reference<NodePlatforms>()("@maxcloud/server/NodePlatforms", {
  defaultValue: (): Effect.Effect<ReadonlyArray<string>> => Effect.succeed([])
}) {}
