import { existsSync } from "node:fs"
import { Context, Effect, Layer } from "effect"
import { InvalidSetting, type ServerSettings } from "../../base/settings/ServerConfig.ts"
import type { kubernetesLayer } from "../kubernetes/kubernetesLayer.ts"
import type { Development } from "../local/instances/processes/Development.ts"
import { localLayer } from "../local/localLayer.ts"

type Local = ReturnType<typeof localLayer>
type Kubernetes = ReturnType<typeof kubernetesLayer>

/** Everything that depends on where services run. */
export type RuntimeLayer = Layer.Layer<
  Layer.Layer.Success<Local> & Layer.Layer.Success<Kubernetes>,
  Layer.Layer.Error<Local> | Layer.Layer.Error<Kubernetes>,
  Layer.Layer.Context<Local> | Layer.Layer.Context<Kubernetes>
>

/** A place where services run. Adding one takes only an entry in `runtimes`. */
export interface RuntimeEntry {
  /** The value of `MAXCLOUD_RUNTIME`. */
  readonly name: string
  /** If the setting names no runtime, the first entry that returns true is used. */
  readonly detect: (settings: ServerSettings) => boolean
  /** Why the server can't start with these settings; undefined if it can. */
  readonly refuse?: (settings: ServerSettings) => string | undefined
  /** `sole`: services stop with the server, so only one server may use the database. */
  readonly servers: "sole" | "shared"
  readonly layer: (settings: ServerSettings, port: number, development?: Development) => RuntimeLayer
}

/** The folder in which Kubernetes puts the credentials of a pod's service account. */
const podToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

const kubernetes: RuntimeEntry = {
  name: "kubernetes",
  detect: ({ kubeconfig }) => kubeconfig !== undefined || existsSync(podToken),
  servers: "shared",
  // Loading its client takes a while, and a laptop never needs it.
  layer: (settings) =>
    Layer.unwrapEffect(
      Effect.map(
        Effect.promise(() => import("../kubernetes/kubernetesLayer.ts")),
        (found) => found.kubernetesLayer(settings)
      )
    )
}

const local: RuntimeEntry = {
  name: "local",
  detect: () => true,
  refuse: ({ externalSecretStore: store }) =>
    store === undefined
      ? undefined
      : `MAXCLOUD_EXTERNAL_SECRET_STORE is "${store}", but services run on this machine, without an External Secrets Operator. Unset it, or set MAXCLOUD_KUBECONFIG`,
  servers: "sole",
  layer: localLayer
}

export const runtimes: ReadonlyArray<RuntimeEntry> = [kubernetes, local]

/** The runtimes that a server may start with. A test adds its own. */
export class KnownRuntimes extends Context.Reference<KnownRuntimes>()("@maxcloud/server/KnownRuntimes", {
  defaultValue: () => runtimes
}) {}

/** The runtime named by the settings, or else the first detected. */
export const chooseRuntime = (settings: ServerSettings): Effect.Effect<RuntimeEntry, InvalidSetting> =>
  Effect.gen(function* () {
    const known = yield* KnownRuntimes
    const { runtime: name } = settings
    const chosen = known.find((entry) => (name === undefined ? entry.detect(settings) : entry.name === name))
    if (chosen === undefined) {
      const names = known.map((entry) => entry.name).join(", ")
      return yield* new InvalidSetting({ message: `MAXCLOUD_RUNTIME: "${name}" isn't a runtime. Use one of ${names}` })
    }
    const problem = chosen.refuse?.(settings)
    return problem === undefined ? chosen : yield* new InvalidSetting({ message: problem })
  })
