import { initial } from "./0001_initial.ts"
import { kubernetes } from "./0002_kubernetes.ts"
import { identity } from "./0003_identity.ts"
import { externalSecrets } from "./0004_external_secrets.ts"
import { signInCodes } from "./0005_identity_sign_in_codes.ts"
import { imageAccess } from "./0006_image_access.ts"
import { installation } from "./0007_installation.ts"
import { rowSecurity } from "./0008_row_security.ts"
import { auditAppend } from "./0009_audit_append.ts"
import { sourceQuota } from "./0010_source_quota.ts"
import { rollouts } from "./0011_rollouts.ts"
import { deviceOrigin } from "./0012_device_origin.ts"
import { logAndStreamQuotas } from "./0013_log_and_stream_quotas.ts"
import { mailedRegistrations } from "./0014_mailed_registrations.ts"
import { restarts } from "./0015_restarts.ts"
import { events } from "./0016_events.ts"
import { appNamespaces } from "./0017_app_namespaces.ts"
import { deploymentOrigins } from "./0018_deployment_origins.ts"
import { serviceHealth } from "./0019_service_health.ts"
import { webhooks } from "./0020_webhooks.ts"
import { cancelledDeployments } from "./0021_cancelled_deployments.ts"
import { appLinks } from "./0022_app_links.ts"
import { keyedRequests } from "./0023_keyed_requests.ts"
import { organizationDisplayNames } from "./0024_organization_display_names.ts"
import { policies } from "./0025_policies.ts"
import { webhookSecrets } from "./0026_webhook_secrets.ts"
import { keysOfKeys } from "./0027_keys_of_keys.ts"
import { leaseHolders } from "./0028_lease_holders.ts"
import { secretAuthors } from "./0029_secret_authors.ts"
import { deadlinesSeen } from "./0030_deadlines_seen.ts"
import { restoreWindow } from "./0032_restore_window.ts"
import { serviceEvents } from "./0033_service_events.ts"
import { frequentEvents } from "./0034_frequent_events.ts"
import { suspensions } from "./0035_suspensions.ts"
import { lostStages } from "./0036_lost_stages.ts"
import { clusterMemory } from "./0039_cluster_memory.ts"
import { registryKey } from "./0040_registry_key.ts"

export interface Migration {
  readonly id: number
  readonly name: string
  readonly sql: string
}

/** In order, forward only. A released one never changes. Named one by one, so that a bundle contains them. */
export const migrations: ReadonlyArray<Migration> = [
  { id: 1, name: "initial", sql: initial },
  { id: 2, name: "kubernetes", sql: kubernetes },
  { id: 3, name: "identity", sql: identity },
  { id: 4, name: "external_secrets", sql: externalSecrets },
  { id: 5, name: "identity_sign_in_codes", sql: signInCodes },
  { id: 6, name: "image_access", sql: imageAccess },
  { id: 7, name: "installation", sql: installation },
  { id: 8, name: "row_security", sql: rowSecurity },
  { id: 9, name: "audit_append", sql: auditAppend },
  { id: 10, name: "source_quota", sql: sourceQuota },
  { id: 11, name: "rollouts", sql: rollouts },
  { id: 12, name: "device_origin", sql: deviceOrigin },
  { id: 13, name: "log_and_stream_quotas", sql: logAndStreamQuotas },
  { id: 14, name: "mailed_registrations", sql: mailedRegistrations },
  { id: 15, name: "restarts", sql: restarts },
  { id: 16, name: "events", sql: events },
  { id: 17, name: "app_namespaces", sql: appNamespaces },
  { id: 18, name: "deployment_origins", sql: deploymentOrigins },
  { id: 19, name: "service_health", sql: serviceHealth },
  { id: 20, name: "webhooks", sql: webhooks },
  { id: 21, name: "cancelled_deployments", sql: cancelledDeployments },
  { id: 22, name: "app_links", sql: appLinks },
  { id: 23, name: "keyed_requests", sql: keyedRequests },
  { id: 24, name: "organization_display_names", sql: organizationDisplayNames },
  { id: 25, name: "policies", sql: policies },
  { id: 26, name: "webhook_secrets", sql: webhookSecrets },
  { id: 27, name: "keys_of_keys", sql: keysOfKeys },
  { id: 28, name: "lease_holders", sql: leaseHolders },
  { id: 29, name: "secret_authors", sql: secretAuthors },
  { id: 30, name: "deadlines_seen", sql: deadlinesSeen },
  { id: 32, name: "restore_window", sql: restoreWindow },
  { id: 33, name: "service_events", sql: serviceEvents },
  { id: 34, name: "frequent_events", sql: frequentEvents },
  { id: 35, name: "suspensions", sql: suspensions },
  { id: 36, name: "lost_stages", sql: lostStages },
  { id: 39, name: "cluster_memory", sql: clusterMemory },
  { id: 40, name: "registry_key", sql: registryKey }
]
