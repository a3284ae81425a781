import { join } from "node:path"
import { Layer } from "effect"
import { Platform } from "../../deployments/Platform.ts"
import { layerNone as noImages } from "../../images/layerNone.ts"
import { layerNone as noNetwork } from "../../network/noNetwork.ts"
import type { ServerSettings } from "../../ServerConfig.ts"
import * as Instances from "./instances/layer.ts"
import { findContainerHost } from "./instances/layer.ts"
import * as LocalObjects from "./LocalObjectsSql.ts"
import * as LocalRuntime from "./LocalRuntime.ts"
import { LogStore } from "./logs/LogStore.ts"
import { openLink } from "./proxy/makeFront.ts"

/** Everything that depends on services running on this machine. */
export const localLayer = ({ dataDir, domain = "localhost", inPlace, podSecurity }: ServerSettings, port: number) => {
  const runtime = LocalRuntime.layer({
    domain,
    scheme: "http",
    port,
    inPlace,
    openLink,
    containerHost: () => findContainerHost()
  }).pipe(
    Layer.provide(LogStore.layer({ directory: join(dataDir, "logs") })),
    Layer.provide(LocalObjects.layer),
    Layer.provideMerge(Instances.layer({ dataDirectory: dataDir }))
  )
  const platform = Layer.succeed(Platform, { domain, scheme: "http", port, podSecurity, runtimeClass: undefined })
  return Layer.mergeAll(runtime, platform, noImages, noNetwork)
}
