export const apiKey = {
  id: "t.id",
  name: "t.name",
  prefix: "t.prefix",
  role: "t.role",
  scopes: "t.scopes",
  createdBy: "t.created_by",
  createdAt: "t.created_at",
  lastUsedAt: "t.last_used_at",
  expiresAt: "t.expires_at",
  replacedBy: "t.replaced_by",
  createdWith: "t.created_with"
}

export const session = {
  id: "t.id",
  organizationId: "t.organization_id",
  userId: "t.user_id",
  createdAt: "t.created_at",
  lastUsedAt: "t.last_used_at",
  expiresAt: "t.expires_at"
}

export const invite = {
  id: "t.id",
  email: "t.email",
  role: "t.role",
  invitedBy: "t.invited_by",
  createdAt: "t.created_at",
  expiresAt: "t.expires_at",
  acceptedAt: "t.accepted_at",
  revokedAt: "t.revoked_at"
}

export const device = {
  id: "t.id",
  clientName: "t.client_name",
  approvedBy: "t.approved_by",
  createdAt: "t.created_at",
  expiresAt: "t.expires_at"
}
