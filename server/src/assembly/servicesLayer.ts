import { Effect, Layer } from "effect"
import * as Database from "../base/database/Database.ts"
import { Disk } from "../base/disk/Disk.ts"
import * as Keys from "../base/keys/layer.ts"
import * as Shards from "../base/replicas/Shards.ts"
import type { ServerSettings } from "../base/settings/ServerConfig.ts"
import * as DriftLog from "../control/drift/PostgresDriftLog.ts"
import * as Collector from "../control/retention/Collector.ts"
import { Retention } from "../control/retention/Retention.ts"
import * as Deployments from "../control/services/controlLayer.ts"
import * as AutomaticBackups from "../operator/backup/AutomaticBackups.ts"
import type { RuntimeEntry } from "../runtimes/choose/runtimes.ts"
import type { Development } from "../runtimes/local/instances/processes/Development.ts"
import * as RegistryLogins from "../stores/images/credentials/RegistryLogins.ts"
import * as SealedCredentials from "../stores/images/credentials/SealedCredentials.ts"
import * as OwnRegistryCredentials from "../stores/registry/OwnRegistryCredentials.ts"
import * as RegistryTokens from "../stores/registry/RegistryTokens.ts"
import * as SealedSecrets from "../stores/secrets/SealedSecrets.ts"
import * as Sources from "../stores/sources/sourceStoreLayer.ts"
import * as Audit from "../tenancy/audit/PostgresAudit.ts"
import * as Events from "../tenancy/events/PostgresEvents.ts"
import { defaultQuotas } from "../tenancy/limits/defaultQuotas.ts"
import * as LogQuotas from "../tenancy/limits/LogQuotas.ts"
import * as Quotas from "../tenancy/limits/PostgresQuotas.ts"
import * as KnownOrganizations from "../tenancy/organizations/KnownOrganizations.ts"
import * as Organizations from "../tenancy/organizations/Organizations.ts"
import * as KeptAnswers from "../tenancy/repeats/PostgresKeptAnswers.ts"
import { ownFilesOf } from "./ownFiles.ts"

/**
 * Everything below HTTP: the database, its stores, the runtime, and the deployments on it. Parts stop in reverse order:
 * first the server takes no more work, then instances stop, and the database last.
 */
export const servicesLayer = (
  settings: ServerSettings,
  port: number,
  runtime: RuntimeEntry,
  development?: Development
) => {
  const { databaseUrl, dataDir, migrationDatabaseUrl } = settings
  const database = Database.layer({
    dataDir,
    url: databaseUrl,
    migrationUrl: migrationDatabaseUrl,
    backupFolder: settings.backupFolder,
    lock: { sharing: runtime.servers, ownFiles: ownFilesOf(settings) },
    connections: settings.databasePool,
    statementTimeout: settings.statementTimeout
  })
  // The embedded database has a single server, so no other one can hold leases.
  const shards = databaseUrl === undefined ? Shards.layerAll : Shards.layer()
  const kept = Layer.mergeAll(
    Organizations.layer,
    KnownOrganizations.layer,
    KeptAnswers.layer(),
    SealedSecrets.layer({ dataDir }),
    DriftLog.layer,
    Events.layer({ retentionDays: settings.eventRetention }),
    Quotas.layer(defaultQuotas(settings), dataDir),
    RegistryLogins.layer(settings),
    OwnRegistryCredentials.layer(SealedCredentials.layer({ dataDir })).pipe(
      Layer.provideMerge(
        RegistryTokens.layer({
          registry: settings.registry,
          expiry: settings.registryTokenExpiry,
          secret: settings.registryJwtSecret,
          otherSecrets: settings.registryOtherJwtSecrets,
          pullRotation: settings.registryPullRotation
        })
      )
    ),
    shards,
    Layer.unwrapEffect(Effect.map(Disk, (disk) => Sources.layer({ dataDirectory: dataDir, disk })))
  )
  const backups =
    databaseUrl === undefined && settings.backups === "daily"
      ? AutomaticBackups.layer(settings)
      : AutomaticBackups.layerOff
  return Layer.mergeAll(Deployments.layer(), Collector.layer({ dataDir }), backups).pipe(
    Layer.provideMerge(Layer.succeed(Retention, { days: settings.deploymentRetention })),
    Layer.provideMerge(runtime.layer(settings, port, development)),
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
