import type { AuditEntry } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { ServerSettings } from "../../base/settings/ServerConfig.ts"
import type { Restore, RestoreProgress } from "../../control/deployments/restore/Restore.ts"
import { followRestore, restoreAll } from "../../control/deployments/restore/restoreAll.ts"
import type { Rollout } from "../../control/deployments/rollout/RolloutState.ts"
import { rolloutStatus } from "../../control/deployments/rollout/rolloutStatus.ts"
import { defaultQuotas } from "../../tenancy/limits/defaultQuotas.ts"
import * as PostgresQuotas from "../../tenancy/limits/PostgresQuotas.ts"
import type { CacheEntry, ClearedCache } from "./CacheEntry.ts"
import { clearCache, listCache } from "./cache.ts"
import type { OperatorResult } from "./OperatorResult.ts"
import type { OrganizationQuotas, QuotaName } from "./OrganizationQuotas.ts"
import { listQuotas, setQuotas, unsetQuotas } from "./quotas.ts"
import type { RepairedAudit } from "./RepairedAudit.ts"
import { repairAudit } from "./repairAudit.ts"
import { runOnDatabase, runOperator } from "./runOperator.ts"
import type { ServerAuditPage } from "./ServerAuditPage.ts"
import { exportServerAudit, listServerAudit } from "./serverAudit.ts"

/** The settings' quotas apply if an organization has none of its own. */
const withQuotas = (settings: ServerSettings) =>
  Effect.provide(PostgresQuotas.layer(defaultQuotas(settings), settings.dataDir))

export interface OrganizationOptions extends Partial<ServerSettings> {
  /** Name or id of an organization. */
  readonly organization: string
}

/** Operators' commands on a server's database. Options override the server's settings. Servers can keep running. */
export const operator = {
  /** The quotas of all organizations by name, or of one. */
  listQuotas: ({
    organization,
    ...options
  }: Partial<OrganizationOptions> = {}): Promise<OperatorResult<ReadonlyArray<OrganizationQuotas>>> =>
    runOperator(options, (settings) => listQuotas(organization).pipe(withQuotas(settings))),

  /** `quotas`: as in the settings, such as `64Gi`. */
  setQuotas: ({
    organization,
    quotas,
    ...options
  }: OrganizationOptions & { readonly quotas: Partial<Record<QuotaName, string>> }): Promise<
    OperatorResult<OrganizationQuotas>
  > => runOperator(options, (settings) => setQuotas(organization, quotas).pipe(withQuotas(settings))),

  /** Names of quotas; empty: all. */
  unsetQuotas: ({
    organization,
    quotas,
    ...options
  }: OrganizationOptions & { readonly quotas: ReadonlyArray<QuotaName> }): Promise<
    OperatorResult<OrganizationQuotas>
  > => runOperator(options, (settings) => unsetQuotas(organization, quotas).pipe(withQuotas(settings))),

  /** Entries of the server's own audit log, about events outside of any organization: newest first. */
  listAudit: ({
    action,
    before,
    limit,
    ...options
  }: ServerAuditPage & Partial<ServerSettings>): Promise<OperatorResult<ReadonlyArray<AuditEntry>>> =>
    runOperator(options, () => listServerAudit({ action, before, limit })),

  /**
   * Repairs the head of a log that doesn't fit its entries, and removes checkpoints that the server hasn't signed.
   * `log`: name or id of an organization, or `server`.
   */
  repairAudit: ({
    log,
    ...options
  }: Partial<ServerSettings> & { readonly log: string }): Promise<OperatorResult<RepairedAudit>> =>
    runOperator(options, (settings) => repairAudit(settings, log)),

  /** How far the platform's newest settings are rolled out, stage by stage. Changes nothing. */
  rollout: (options: Partial<ServerSettings> = {}): Promise<OperatorResult<Rollout>> =>
    runOnDatabase(options, () => rolloutStatus),

  /** Lets the servers check every app, and restore what the cluster has lost. `onProgress`: wait until that's over. */
  restore: ({
    onProgress,
    ...options
  }: Partial<ServerSettings> & {
    readonly onProgress?: ((progress: RestoreProgress) => void) | undefined
  } = {}): Promise<OperatorResult<Restore>> =>
    runOnDatabase(options, () => (onProgress === undefined ? restoreAll : followRestore(onProgress))),

  /**
   * Everything that a server has built from sources and installed for them, for one organization or for all. Changes
   * nothing.
   */
  listCache: ({
    organization,
    ...options
  }: Partial<ServerSettings> & { readonly organization?: string | undefined } = {}): Promise<
    OperatorResult<ReadonlyArray<CacheEntry>>
  > => runOnDatabase(options, ({ dataDir }) => listCache(dataDir, organization)),

  /** Removes cache entries that no service runs from and no build uses. */
  clearCache: ({
    organization,
    ...options
  }: Partial<ServerSettings> & { readonly organization?: string | undefined } = {}): Promise<
    OperatorResult<ClearedCache>
  > => runOnDatabase(options, ({ dataDir }) => clearCache(dataDir, organization)),

  /** That log as the lines of an export (docs/audit.md). Writes nothing. The iteration throws an `OperatorFailure`. */
  exportAudit: (options: Partial<ServerSettings> = {}): AsyncIterable<string> => exportServerAudit(options)
}
