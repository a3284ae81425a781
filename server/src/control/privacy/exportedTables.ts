import type { Quotas } from "@maxcloud/sdk/api"
import { type ExportedTable, text } from "./ExportedTable.ts"
import { appTables } from "./exportedApps.ts"
import { apiKey, device, invite, session } from "./exportedFields.ts"

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

/** The exported data of an organization. */
export const organizationTables: ReadonlyArray<ExportedTable> = [
  {
    type: "organization",
    table: "organizations",
    of: "id",
    key: [],
    fields: {
      id: "t.id",
      name: "t.name",
      displayName: "t.display_name",
      createdAt: "t.created_at",
      deleteAfter: "t.delete_after"
    }
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
  {
    type: "event",
    table: "events",
    key: [text("id")],
    fields: { id: "t.id", type: "t.type", subject: "t.subject", at: "t.at", data: "t.data" }
  },
  {
    type: "policy",
    table: "policies",
    key: [text("name")],
    fields: {
      name: "t.name",
      expression: "t.expression",
      message: "t.message",
      enforcement: "t.enforcement",
      createdAt: "t.created_at",
      updatedAt: "t.updated_at"
    }
  },
  {
    type: "webhook",
    table: "webhooks",
    key: [text("id")],
    fields: {
      id: "t.id",
      url: "t.url",
      types: "t.types",
      description: "t.description",
      disabledBecause: "t.disabled_because",
      failingSince: "t.failing_since",
      createdAt: "t.created_at"
    }
  },
  {
    type: "webhookDelivery",
    table: "webhook_deliveries",
    key: [text("id")],
    fields: {
      id: "t.id",
      webhook: "t.webhook_id",
      event: "t.event_id",
      attempts: "t.attempts",
      lastStatus: "t.last_status",
      lastError: "t.last_error",
      lastAnswer: "t.last_answer",
      createdAt: "t.created_at",
      finishedAt: "t.finished_at"
    }
  },
  { type: "device", table: "device_authorizations", key: [text("id")], fields: device },
  ...appTables
]

/** Tables with an organization in each row that are exported in another way or not at all, and why. */
export const notExported: Readonly<Record<string, string>> = {
  secret_versions: "with `secret`: versions are included, values never",
  organization_keys: "wrapped keys, which aren't data of the organization",
  webhook_secrets: "signing secrets of `webhook`: values never",
  event_heads: "the number of the newest event",
  told_happenings: "ids of what `event` reports, for an hour",
  app_links: "links to other apps, which the specs of `deployment` have",
  work_items: "the server's work queue: apps and stages, which `app` lists",
  audit_entries: "as `auditEntry`, opened",
  audit_heads: "the newest hash, which the last `auditEntry` has",
  audit_checkpoints: "`maxcloud audit export` has them"
}
