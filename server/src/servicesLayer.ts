import { join } from "node:path"
import { Layer } from "effect"
import * as Database from "./database/Database.ts"
import * as Deployments from "./deployments/layer.ts"
import { Platform } from "./deployments/Platform.ts"
import * as Organizations from "./organizations/Organizations.ts"
import * as Instances from "./runtime/local/instances/layer.ts"
import { findContainerHost } from "./runtime/local/instances/layer.ts"
import * as LocalObjects from "./runtime/local/LocalObjectsSql.ts"
import * as LocalRuntime from "./runtime/local/LocalRuntime.ts"
import { LogStore } from "./runtime/local/logs/LogStore.ts"
import { openLink } from "./runtime/local/proxy/makeFront.ts"
import * as Sources from "./runtime/local/sources/layer.ts"
import type { ServerSettings } from "./ServerConfig.ts"
import * as SealedSecrets from "./secrets/SealedSecrets.ts"

/**
 * Everything below HTTP: the database, what is kept in it, the local runtime, and the deployments that are carried out on it.
 * Parts end in the reverse order of their beginning: first no work is taken any more, then instances end, last the database.
 */
export const servicesLayer = (
  { databaseUrl, dataDir, domain = "localhost", inPlace, migrationDatabaseUrl }: ServerSettings,
  port: number
) => {
  const database = Database.layer({ dataDir, url: databaseUrl, migrationUrl: migrationDatabaseUrl })
  const kept = Layer.mergeAll(Organizations.layer, SealedSecrets.layer({ dataDir }), LocalObjects.layer)
  const instances = Instances.layer({ dataDirectory: dataDir }).pipe(
    Layer.provideMerge(Sources.layer({ dataDirectory: dataDir }))
  )
  const runtime = LocalRuntime.layer({
    domain,
    scheme: "http",
    port,
    inPlace,
    openLink,
    containerHost: () => findContainerHost()
  }).pipe(Layer.provide(LogStore.layer({ directory: join(dataDir, "logs") })))
  const platform = Layer.succeed(Platform, {
    domain,
    scheme: "http",
    port,
    podSecurity: "baseline",
    runtimeClass: undefined
  })
  return Deployments.layer().pipe(
    Layer.provide(platform),
    Layer.provideMerge(runtime),
    Layer.provideMerge(instances),
    Layer.provideMerge(kept),
    Layer.provideMerge(database)
  )
}
