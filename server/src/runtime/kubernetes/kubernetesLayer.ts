import { Effect, Layer } from "effect"
import { Platform } from "../../deployments/Platform.ts"
import { layerNone as noImages } from "../../images/layerNone.ts"
import { layerNone as noNetwork } from "../../network/noNetwork.ts"
import type { ServerSettings } from "../../ServerConfig.ts"
import { layerNone as noRoutes } from "../local/LocalRoutes.ts"
import { Runtime, RuntimeError } from "../Runtime.ts"

/** Everything that depends on services running on a Kubernetes cluster. */
export const kubernetesLayer = ({ domain = "localhost", podSecurity, runtimeClass }: ServerSettings) =>
  Layer.mergeAll(
    Layer.effect(
      Runtime,
      Effect.fail(new RuntimeError({ reason: "refused", message: "the Kubernetes runtime is not there yet" }))
    ),
    Layer.succeed(Platform, { domain, scheme: "http", port: undefined, podSecurity, runtimeClass }),
    noRoutes,
    noImages,
    noNetwork
  )
