import type { Quotas } from "@maxcloud/sdk/api"

/** Rows of a table as they are exported: lines `{"type":…,"data":{…}}`, in the order of the key. */
export interface ExportedTable {
  /** `type` of the line. */
  readonly type: string
  readonly table: string
  /** Column that says whose rows they are. @default organization_id */
  readonly of?: string
  /** With `of`, what names a row: by it the next page is found. */
  readonly key: ReadonlyArray<{ readonly column: string; readonly as: "text" | "bigint" }>
  /** Members of `data`: SQL expressions over the row `t`. No digest of a token, no key, no value of a secret is among them. */
  readonly fields: Readonly<Record<string, string>>
  /** Are rows looked up that belong to no organization? */
  readonly joinsPeople?: true
  /** Rows of a page. @default 500 */
  readonly rows?: number
}

const text = (column: string) => ({ column, as: "text" as const })
const number = (column: string) => ({ column, as: "bigint" as const })

const apiKey = {
  id: "t.id",
  name: "t.name",
  prefix: "t.prefix",
  role: "t.role",
  scopes: "t.scopes",
  createdBy: "t.created_by",
  createdAt: "t.created_at",
  lastUsedAt: "t.last_used_at",
  expiresAt: "t.expires_at",
  replacedBy: "t.replaced_by"
}

const session = {
  id: "t.id",
  organizationId: "t.organization_id",
  userId: "t.user_id",
  createdAt: "t.created_at",
  lastUsedAt: "t.last_used_at",
  expiresAt: "t.expires_at"
}

const invite = {
  id: "t.id",
  email: "t.email",
  role: "t.role",
  invitedBy: "t.invited_by",
  createdAt: "t.created_at",
  expiresAt: "t.expires_at",
  acceptedAt: "t.accepted_at",
  revokedAt: "t.revoked_at"
}

const device = {
  id: "t.id",
  clientName: "t.client_name",
  approvedBy: "t.approved_by",
  createdAt: "t.created_at",
  expiresAt: "t.expires_at"
}

const quotas = {
  services: "t.services",
  instances: "t.instances",
  cpuMilli: "t.cpu_milli",
  memoryBytes: "t.memory_bytes",
  deploymentsPerHour: "t.deployments_per_hour",
  sourceBytes: "t.source_bytes",
  logBytes: "t.log_bytes",
  streams: "t.streams"
} satisfies Readonly<Record<keyof Quotas, string>>

/** What is exported of an organization. */
export const organizationTables: ReadonlyArray<ExportedTable> = [
  {
    type: "organization",
    table: "organizations",
    of: "id",
    key: [],
    fields: { id: "t.id", name: "t.name", createdAt: "t.created_at", deleteAfter: "t.delete_after" }
  },
  {
    type: "quotas",
    table: "organization_quotas",
    key: [],
    fields: { ...quotas, updatedAt: "t.updated_at" }
  },
  {
    type: "member",
    table: "memberships",
    key: [text("user_id")],
    joinsPeople: true,
    fields: {
      userId: "t.user_id",
      email: "(select u.email from users u where u.id = t.user_id)",
      verifiedAt: "(select u.verified_at from users u where u.id = t.user_id)",
      role: "t.role",
      since: "t.created_at"
    }
  },
  { type: "session", table: "sessions", key: [text("id")], fields: session },
  { type: "apiKey", table: "api_keys", key: [text("id")], fields: apiKey },
  { type: "invite", table: "invites", key: [text("id")], fields: invite },
  {
    type: "oidcTrust",
    table: "oidc_trusts",
    key: [text("id")],
    fields: {
      id: "t.id",
      name: "t.name",
      issuer: "t.issuer",
      claims: "t.claims",
      role: "t.role",
      scopes: "t.scopes",
      createdBy: "t.created_by",
      createdAt: "t.created_at",
      lastUsedAt: "t.last_used_at"
    }
  },
  { type: "device", table: "device_authorizations", key: [text("id")], fields: device },
  {
    type: "app",
    table: "app_stages",
    key: [text("app"), text("stage")],
    fields: {
      app: "t.app",
      stage: "t.stage",
      deployments: "t.last_number",
      inventory: "t.inventory",
      rolledOutAt: "t.rolled_out_at",
      rolloutError: "t.rollout_error",
      createdAt: "t.created_at"
    }
  },
  {
    type: "service",
    table: "services",
    key: [text("id")],
    fields: {
      id: "t.id",
      app: "t.app",
      stage: "t.stage",
      name: "t.name",
      spec: "t.spec",
      secretVersions: "t.secret_versions",
      image: "t.pinned_image",
      paused: "t.paused",
      restartedAt: "t.restarted_at",
      restartedFrom: "t.restarted_from",
      restartKey: "t.restart_key",
      deleting: "t.deleting",
      deployment: "t.deployment_number",
      status: "t.status",
      createdAt: "t.created_at",
      updatedAt: "t.updated_at"
    },
    rows: 100
  },
  {
    type: "deployment",
    table: "deployments",
    key: [text("id")],
    fields: {
      id: "t.id",
      app: "t.app",
      stage: "t.stage",
      number: "t.number",
      state: "t.state",
      reason: "t.reason",
      message: "t.message",
      spec: "t.spec",
      secretVersions: "t.secret_versions",
      externalSecrets: "t.external_secrets",
      images: "t.images",
      warnings: "t.warnings",
      forceConflicts: "t.force_conflicts",
      createdAt: "t.created_at",
      startedAt: "t.started_at",
      finishedAt: "t.finished_at"
    },
    rows: 100
  },
  {
    type: "deploymentService",
    table: "deployment_services",
    key: [text("deployment_id"), text("name")],
    fields: {
      deployment: "t.deployment_id",
      name: "t.name",
      action: "t.action",
      state: "t.state",
      revision: "t.revision",
      url: "t.url",
      reason: "t.reason",
      message: "t.message",
      logTail: "t.log_tail",
      diagnosis: "t.diagnosis"
    }
  },
  {
    type: "deploymentEvent",
    table: "deployment_events",
    key: [text("deployment_id"), number("id")],
    fields: {
      deployment: "t.deployment_id",
      id: "t.id",
      at: "t.at",
      type: "t.type",
      service: "t.service",
      reason: "t.reason",
      message: "t.message"
    }
  },
  {
    type: "manifests",
    table: "deployment_manifests",
    key: [text("deployment_id")],
    fields: { deployment: "t.deployment_id", manifests: "t.manifests", context: "t.context" },
    rows: 20
  },
  {
    type: "idempotencyKey",
    table: "idempotency_keys",
    key: [text("key")],
    fields: { key: "t.key", deployment: "t.deployment_id", createdAt: "t.created_at" }
  },
  {
    type: "secret",
    table: "secrets",
    key: [text("app"), text("stage"), text("name")],
    fields: {
      app: "t.app",
      stage: "t.stage",
      name: "t.name",
      version: "t.version",
      isSet: "t.is_set",
      updatedAt: "t.updated_at",
      versions: `(select coalesce(json_agg(json_build_object(
          'version', v.version, 'createdAt', v.created_at, 'createdBy', v.created_by) order by v.version), '[]')
        from secret_versions v where v.organization_id = t.organization_id and v.app = t.app and v.stage = t.stage
          and v.name = t.name)`
    }
  },
  {
    type: "registry",
    table: "registry_credentials",
    key: [text("host")],
    fields: { host: "t.host", username: "t.username", updatedAt: "t.updated_at" }
  },
  {
    type: "imageAccess",
    table: "image_access",
    key: [text("reference"), text("image_id")],
    fields: { reference: "t.reference", imageId: "t.image_id", digest: "t.digest", checkedAt: "t.checked_at" }
  },
  {
    type: "object",
    table: "runtime_objects",
    key: [text("namespace"), text("kind"), text("name")],
    fields: { namespace: "t.namespace", kind: "t.kind", name: "t.name", manifest: "t.manifest", status: "t.status" },
    rows: 100
  },
  {
    type: "drift",
    table: "drift",
    key: [number("id")],
    fields: {
      id: "t.id",
      app: "t.app",
      stage: "t.stage",
      apiVersion: "t.api_version",
      kind: "t.kind",
      name: "t.name",
      change: "t.change",
      manager: "t.manager",
      fields: "t.fields",
      noticedAt: "t.noticed_at",
      healedAt: "t.healed_at"
    }
  },
  {
    type: "usage",
    table: "instances",
    key: [text("uid")],
    fields: {
      uid: "t.uid",
      app: "t.app",
      stage: "t.stage",
      service: "t.service",
      revision: "t.revision",
      instance: "t.instance",
      startedAt: "t.started_at",
      seenAt: "t.seen_at",
      endedAt: "t.ended_at",
      cpuMilli: "t.cpu_milli",
      memoryBytes: "t.memory_bytes"
    }
  }
]

/** Tables with an organization in each row that are exported otherwise or not at all, and why. */
export const notExported: Readonly<Record<string, string>> = {
  secret_versions: "with `secret`: versions are told, values never",
  organization_keys: "keys are wrapped, and no data of the organization's",
  work_items: "what the server is about to look at: apps and stages, which `app` tells",
  audit_entries: "as `auditEntry`, opened",
  audit_heads: "the newest hash, which the last `auditEntry` has",
  audit_checkpoints: "`maxcloud audit export` has them"
}

/** What is exported of a person. */
export const personTables: ReadonlyArray<ExportedTable> = [
  {
    type: "account",
    table: "users",
    of: "id",
    key: [],
    fields: { id: "t.id", email: "t.email", verifiedAt: "t.verified_at", createdAt: "t.created_at" }
  },
  {
    type: "membership",
    table: "memberships",
    of: "user_id",
    key: [text("organization_id")],
    fields: {
      organizationId: "t.organization_id",
      organization: "(select o.name from organizations o where o.id = t.organization_id)",
      role: "t.role",
      since: "t.created_at"
    }
  },
  { type: "session", table: "sessions", of: "user_id", key: [text("id")], fields: session },
  {
    type: "apiKey",
    table: "api_keys",
    of: "created_by",
    key: [text("id")],
    fields: { ...apiKey, organizationId: "t.organization_id" }
  },
  {
    type: "invite",
    table: "invites",
    of: "email",
    key: [text("id")],
    fields: {
      ...invite,
      organization: "(select o.name from organizations o where o.id = t.organization_id)"
    }
  },
  {
    type: "invited",
    table: "invites",
    of: "invited_by",
    key: [text("id")],
    fields: { id: "t.id", organizationId: "t.organization_id", role: "t.role", createdAt: "t.created_at" }
  },
  {
    type: "device",
    table: "device_authorizations",
    of: "approved_by",
    key: [text("id")],
    fields: { ...device, clientAddress: "t.client_address" }
  },
  {
    type: "code",
    table: "one_time_tokens",
    of: "user_id",
    key: [text("id")],
    fields: {
      id: "t.id",
      purpose: "t.purpose",
      attempts: "t.attempts",
      createdAt: "t.created_at",
      expiresAt: "t.expires_at",
      usedAt: "t.used_at"
    }
  },
  {
    type: "mail",
    table: "mail_outbox",
    of: "user_id",
    key: [text("id")],
    fields: { id: "t.id", kind: "t.kind", attempts: "t.attempts", createdAt: "t.created_at" }
  }
]
