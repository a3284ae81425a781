import { type ExportedTable, text } from "./ExportedTable.ts"
import { apiKey, device, invite, session } from "./exportedFields.ts"

/** The tables of a person that an export contains. */
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
    type: "event",
    table: "events",
    of: "user_id",
    key: [text("id")],
    fields: { id: "t.id", organizationId: "t.organization_id", type: "t.type", at: "t.at", data: "t.data" }
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
    type: "deployment",
    table: "deployments",
    of: "created_by",
    key: [text("id")],
    fields: {
      id: "t.id",
      organizationId: "t.organization_id",
      app: "t.app",
      stage: "t.stage",
      number: "t.number",
      kind: "t.kind",
      message: "t.user_message",
      metadata: "t.metadata",
      createdAt: "t.created_at"
    }
  },
  {
    type: "suspension",
    table: "app_stages",
    of: "suspended_by",
    key: [text("organization_id"), text("app"), text("stage")],
    fields: {
      organizationId: "t.organization_id",
      app: "t.app",
      stage: "t.stage",
      since: "t.suspended_at",
      until: "t.suspended_until",
      reason: "t.suspend_reason"
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
