/** Tables with an organization in each row. */
const organizationTables = [
  "api_keys",
  "app_stages",
  "audit_checkpoints",
  "audit_entries",
  "audit_heads",
  "deployment_events",
  "deployment_manifests",
  "deployment_services",
  "deployments",
  "drift",
  "idempotency_keys",
  "image_access",
  "instances",
  "invites",
  "memberships",
  "oidc_trusts",
  "organization_keys",
  "organization_quotas",
  "registry_credentials",
  "runtime_objects",
  "secret_versions",
  "secrets",
  "services",
  "sessions",
  "work_items"
] as const

/** Tables that belong to no organization, and that only the server's own work uses. */
const serverTables = [
  "device_authorizations",
  "erasures",
  "installation",
  "mail_outbox",
  "one_time_tokens",
  "person_keys",
  "rate_limits",
  "server_keys",
  "users"
] as const

/** Unset is null, and null shows nothing. */
const forAll = "current_setting('maxcloud.all_rows', true) = 'on'"
const of = (column: string) => `current_setting('maxcloud.organization', true) = ${column} or ${forAll}`

const only = (table: string, condition: string) =>
  `alter policy ${table}_organization on ${table} using (${condition}) with check (${condition});`

/**
 * Row security fails closed: a connection that hasn't chosen its rows sees none and writes none. Until now a missing
 * `maxcloud.organization` meant all rows, and so did its value `*`. The server's own work now uses a setting of its own.
 */
export const rowSecurity = /* sql */ `
${organizationTables.map((organizationTable) => only(organizationTable, of("organization_id"))).join("\n")}
${only("organizations", of("id"))}
${serverTables.map((serverTable) => only(serverTable, forAll)).join("\n")}
`
