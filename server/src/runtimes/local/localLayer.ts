import { join } from "node:path"
import { Effect, Layer } from "effect"
import { Disk } from "../../base/disk/Disk.ts"
import { faultLog } from "../../base/node/faultLog.ts"
import { openLink } from "../../base/proxy/makeFront.ts"
import { ProxyCounters } from "../../base/proxy/ProxyCounters.ts"
import { tunnelLimits } from "../../base/proxy/tunnel.ts"
import { callsWithoutCredential, type ServerSettings } from "../../base/settings/ServerConfig.ts"
import * as LocalImages from "../../stores/images/LocalImages.ts"
import * as RegistryAccess from "../../stores/images/RegistryAccess.ts"
import { LogQuotas } from "../../tenancy/limits/LogQuotas.ts"
import { layerNone as noNetwork } from "../port/noNetwork.ts"
import { Platform } from "../port/Platform.ts"
import { layerNone as noHealth } from "../port/RuntimeHealth.ts"
import { layerNone as noStores } from "../port/RuntimeStores.ts"
import { makeImageInStore } from "./instances/images/imageInStore.ts"
import * as Instances from "./instances/instancesLayer.ts"
import type { Development } from "./instances/processes/Development.ts"
import * as LocalRuntime from "./LocalRuntime.ts"
import { localOrganization } from "./localRefusals.ts"
import { LogStore } from "./logs/LogStore.ts"
import * as LocalObjects from "./objects/LocalObjectsSql.ts"
import { tellRoot } from "./tellRoot.ts"

const logStore = (dataDir: string) =>
  Layer.unwrapEffect(
    Effect.map(Effect.all([LogQuotas, Disk]), ([quotaOf, disk]) =>
      LogStore.layer({ directory: join(dataDir, "logs"), quotaOf, disk })
    )
  )

/** Everything that is specific to running services on this machine. */
export const localLayer = (settings: ServerSettings, port: number, development?: Development) => {
  const { dataDir, domain = "localhost", inPlace, podSecurity, tunnelIdleSeconds } = settings
  const options = {
    domain,
    scheme: "http" as const,
    port,
    inPlace,
    // A process on this machine has the machine's user: only the user at the machine may start one, and nobody with a credential
    // from elsewhere.
    ...(callsWithoutCredential(settings) ? {} : { mayRunProcesses: () => false })
  }
  const access = RegistryAccess.layer({ ...settings, dataDirectory: dataDir })
  const images = LocalImages.layer({
    ...settings,
    ownsMachine: ({ name }) => callsWithoutCredential(settings) && name === localOrganization,
    imageInStore: makeImageInStore(process.env)
  })
  const runtime = Layer.unwrapEffect(
    Effect.map(faultLog("Couldn't forward a request between services."), (onFault) =>
      LocalRuntime.layer({
        ...options,
        openLink: (link) =>
          openLink({ ...link, counters: new ProxyCounters(onFault), tunnels: tunnelLimits(tunnelIdleSeconds) })
      })
    )
  ).pipe(
    Layer.provide(logStore(dataDir)),
    Layer.provide(LocalObjects.layer),
    Layer.provideMerge(Instances.layer({ dataDirectory: dataDir, development })),
    Layer.provide(access)
  )
  const platform = Layer.succeed(Platform, {
    namespacePrefix: "",
    domain,
    scheme: "http",
    port,
    podSecurity,
    runtimeClass: undefined,
    // `egress` isn't enforced here, and the config may be meant for a cluster that opens them.
    privateRanges: ["0.0.0.0/0"]
  })
  return Layer.mergeAll(
    runtime,
    platform,
    Layer.provide(images, access),
    noNetwork,
    noStores,
    noHealth,
    Layer.effectDiscard(tellRoot(dataDir))
  )
}
