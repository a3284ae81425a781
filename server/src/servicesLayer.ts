import { Effect, Layer } from "effect"
import * as Audit from "./audit/PostgresAudit.ts"
import * as AutomaticBackups from "./backup/AutomaticBackups.ts"
import * as Database from "./database/Database.ts"
import * as Deployments from "./deployments/layer.ts"
import { Disk } from "./disk/Disk.ts"
import * as DriftLog from "./drift/PostgresDriftLog.ts"
import * as RegistryLogins from "./images/RegistryLogins.ts"
import * as SealedCredentials from "./images/SealedCredentials.ts"
import * as Keys from "./keys/layer.ts"
import { defaultQuotas } from "./limits/defaultQuotas.ts"
import * as LogQuotas from "./limits/LogQuotas.ts"
import * as Quotas from "./limits/PostgresQuotas.ts"
import * as KnownOrganizations from "./organizations/KnownOrganizations.ts"
import * as Organizations from "./organizations/Organizations.ts"
import * as Shards from "./replicas/Shards.ts"
import * as Collector from "./retention/Collector.ts"
import { Retention } from "./retention/Retention.ts"
import type { Development } from "./runtime/local/instances/Development.ts"
import * as Sources from "./runtime/local/sources/layer.ts"
import { runtimeLayer } from "./runtime/runtimeLayer.ts"
import { runtimeOf } from "./runtime/runtimeOf.ts"
import type { ServerSettings } from "./ServerConfig.ts"
import * as SealedSecrets from "./secrets/SealedSecrets.ts"

/**
 * Everything below HTTP: the database, what is kept in it, the runtime, and the deployments that are carried out on it.
 * Parts end in the reverse order of their beginning: first no work is taken any more, then instances end, last the database.
 */
export const servicesLayer = (settings: ServerSettings, port: number, development?: Development) => {
  const { databaseUrl, dataDir, migrationDatabaseUrl } = settings
  const database = Database.layer({
    dataDir,
    url: databaseUrl,
    migrationUrl: migrationDatabaseUrl,
    backupFolder: settings.backupFolder,
    lock: { sharing: runtimeOf(settings) === "local" ? "sole" : "shared" },
    connections: settings.databasePool,
    statementTimeout: settings.statementTimeout
  })
  // The embedded database has one server, which need not wait for a former self.
  const shards = databaseUrl === undefined ? Shards.layerAll : Shards.layer()
  const kept = Layer.mergeAll(
    Organizations.layer,
    KnownOrganizations.layer,
    SealedSecrets.layer({ dataDir }),
    DriftLog.layer,
    Quotas.layer(defaultQuotas(settings), dataDir),
    SealedCredentials.layer({ dataDir }),
    RegistryLogins.layer(settings),
    shards,
    Layer.unwrapEffect(Effect.map(Disk, (disk) => Sources.layer({ dataDirectory: dataDir, disk })))
  )
  const backups =
    databaseUrl === undefined && settings.backups === "daily"
      ? AutomaticBackups.layer(settings)
      : AutomaticBackups.layerOff
  return Layer.mergeAll(Deployments.layer(), Collector.layer({ dataDir }), backups).pipe(
    Layer.provideMerge(Layer.succeed(Retention, { days: settings.deploymentRetention })),
    Layer.provideMerge(runtimeLayer(settings, port, development)),
    Layer.provideMerge(LogQuotas.layer),
    Layer.provideMerge(kept),
    Layer.provideMerge(Audit.layer()),
    Layer.provideMerge(Keys.layer(settings)),
    Layer.provideMerge(
      Layer.merge(
        database,
        Disk.layer({ dataDir, embedded: databaseUrl === undefined, minFreeDisk: settings.minFreeDisk })
      )
    )
  )
}
