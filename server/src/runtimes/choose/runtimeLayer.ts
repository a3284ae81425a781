import { Effect, Layer } from "effect"
import { runtimeOf } from "../../base/settings/runtimeOf.ts"
import type { ServerSettings } from "../../base/settings/ServerConfig.ts"
import type { kubernetesLayer } from "../kubernetes/kubernetesLayer.ts"
import type { Development } from "../local/instances/Development.ts"
import { localLayer } from "../local/localLayer.ts"

type Local = ReturnType<typeof localLayer>
type Kubernetes = ReturnType<typeof kubernetesLayer>
type RuntimeLayer = Layer.Layer<
  Layer.Layer.Success<Local> & Layer.Layer.Success<Kubernetes>,
  Layer.Layer.Error<Local> | Layer.Layer.Error<Kubernetes>,
  Layer.Layer.Context<Local> | Layer.Layer.Context<Kubernetes>
>

/** Everything that depends on where services run. The parts for Kubernetes are loaded only for it. */
export const runtimeLayer = (settings: ServerSettings, port: number, development?: Development): RuntimeLayer =>
  runtimeOf(settings) === "local"
    ? localLayer(settings, port, development)
    : Layer.unwrapEffect(
        Effect.map(
          Effect.promise(() => import("../kubernetes/kubernetesLayer.ts")),
          ({ kubernetesLayer }) => kubernetesLayer(settings)
        )
      )
