/** Tables with an organization in each row, up to this migration: their rows are visible only to that organization. */
const organizationTables = [
  "app_stages",
  "deployments",
  "deployment_manifests",
  "deployment_services",
  "deployment_events",
  "idempotency_keys",
  "services",
  "secrets",
  "secret_versions",
  "work_items",
  "runtime_objects",
  "drift",
  "registry_credentials",
  "instances",
  "memberships",
  "sessions",
  "api_keys",
  "invites",
  "oidc_trusts",
  "organization_keys",
  "organization_quotas"
] as const

/** Tables that belong to no organization. Only the server itself uses them, never on behalf of one. */
const serverTables = [
  "users",
  "person_keys",
  "server_keys",
  "one_time_tokens",
  "device_authorizations",
  "mail_outbox",
  "rate_limits",
  "erasures"
] as const

/**
 * Row security is a second line of defense: every connection of this server begins with `maxcloud.organization` empty,
 * which shows nothing; `*` shows everything. A server of the previous version doesn't know the setting, and sees the
 * same as before.
 */
const setting = "coalesce(current_setting('maxcloud.organization', true), '*')"
const only = (table: string, condition: string) => `
alter table ${table} enable row level security;
alter table ${table} force row level security;
create policy ${table}_organization on ${table} using (${condition}) with check (${condition});`

/** People, their organizations and credentials; keys in envelopes; the audit log; limits. */
export const identity = /* sql */ `
alter table organizations add column delete_after timestamptz;
alter table organizations add column created_by text;

create table users (
  id text primary key,
  email text not null unique check (email = lower(email)),
  verified_at timestamptz,
  created_at timestamptz not null default now()
);

create table memberships (
  organization_id text not null references organizations (id),
  user_id text not null references users (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'deployer', 'viewer', 'billing')),
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
create index on memberships (user_id);

-- Of tokens only SHA-256 digests are kept: they are random, so that a slow hash would add nothing.
create table sessions (
  organization_id text not null references organizations (id),
  id text not null,
  user_id text not null references users (id) on delete cascade,
  token_hash bytea not null unique,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at timestamptz not null,
  primary key (organization_id, id)
);
create index on sessions (user_id);

create table api_keys (
  organization_id text not null references organizations (id),
  id text not null,
  name text not null,
  prefix text not null unique,
  token_hash bytea not null,
  role text not null check (role in ('owner', 'admin', 'deployer', 'viewer', 'billing')),
  scopes jsonb not null default '[]',
  created_by text references users (id) on delete cascade,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at timestamptz,
  replaced_by text,
  primary key (organization_id, id)
);

create table invites (
  organization_id text not null references organizations (id),
  id text not null,
  email text not null check (email = lower(email)),
  role text not null check (role in ('owner', 'admin', 'deployer', 'viewer', 'billing')),
  token_hash bytea not null unique,
  invited_by text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  accepted_at timestamptz,
  revoked_at timestamptz,
  primary key (organization_id, id)
);

create table oidc_trusts (
  organization_id text not null references organizations (id),
  id text not null,
  name text not null,
  issuer text not null,
  claims jsonb not null,
  role text not null check (role in ('owner', 'admin', 'deployer', 'viewer', 'billing')),
  scopes jsonb not null default '[]',
  created_by text,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, name)
);
create index on oidc_trusts (issuer);

-- purpose: verify (an email address), signIn (code on the sign-in page), bootstrap (the first owner).
create table one_time_tokens (
  id text primary key,
  purpose text not null check (purpose in ('verify', 'signIn', 'bootstrap')),
  user_id text references users (id) on delete cascade,
  token_hash bytea not null unique,
  attempts integer not null default 0,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);

create table device_authorizations (
  id text primary key,
  device_code_hash bytea not null unique,
  user_code text not null unique,
  client_name text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  polled_at timestamptz,
  approved_by text references users (id) on delete cascade,
  organization_id text references organizations (id),
  denied_at timestamptz,
  granted_at timestamptz
);

create table mail_outbox (
  id text primary key,
  user_id text references users (id) on delete cascade,
  kind text not null,
  sealed_by text not null,
  sealed bytea not null,
  attempts integer not null default 0,
  available_at timestamptz not null default now(),
  lease_until timestamptz,
  created_at timestamptz not null default now(),
  last_error text
);

-- Envelopes: data keys of 32 bytes, wrapped by the master key that master_key_id names.
create table organization_keys (
  organization_id text not null references organizations (id),
  id text not null,
  master_key_id text not null,
  wrapped bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (organization_id, id)
);
-- One seals, former ones still open.
create unique index on organization_keys (organization_id) where retired_at is null;

create table person_keys (
  person_id text primary key,
  id text not null unique,
  master_key_id text not null,
  wrapped bytea not null,
  created_at timestamptz not null default now()
);

-- The server's own: purpose sealing (mail, addresses of strangers) and signing (checkpoints of the audit log, Ed25519).
create table server_keys (
  id text primary key,
  purpose text not null check (purpose in ('sealing', 'signing')),
  master_key_id text not null,
  wrapped bytea not null,
  public_key text,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
create unique index on server_keys (purpose) where retired_at is null;

-- organization_id 'server' is the chain of what happens in no organization, such as sign-ins that fail. No foreign key: the log outlives.
create table audit_heads (
  organization_id text primary key,
  sequence bigint not null default 0,
  hash bytea not null
);

create table audit_entries (
  organization_id text not null,
  sequence bigint not null,
  at timestamptz not null,
  action text not null,
  outcome text not null check (outcome in ('succeeded', 'failed', 'refused')),
  status integer not null,
  actor_type text not null check (actor_type in ('user', 'key', 'oidc', 'local', 'server', 'anonymous')),
  actor_id text,
  credential_id text,
  person_id text,
  request_id text,
  before_digest text,
  after_digest text,
  personal_key_id text,
  personal bytea,
  personal_digest bytea,
  subject_key_id text,
  subject bytea,
  subject_digest bytea,
  previous_hash bytea not null,
  hash bytea not null,
  primary key (organization_id, sequence)
);

create table audit_checkpoints (
  organization_id text not null,
  sequence bigint not null,
  hash bytea not null,
  at timestamptz not null,
  key_id text not null,
  signature bytea not null,
  primary key (organization_id, sequence)
);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_entries_append_only before update or delete on audit_entries
  for each row execute function audit_is_append_only();
create trigger audit_entries_no_truncate before truncate on audit_entries
  for each statement execute function audit_is_append_only();
create trigger audit_checkpoints_append_only before update or delete on audit_checkpoints
  for each row execute function audit_is_append_only();
create trigger audit_checkpoints_no_truncate before truncate on audit_checkpoints
  for each statement execute function audit_is_append_only();

create index on deployments (organization_id, created_at);
create table organization_quotas (
  organization_id text primary key references organizations (id),
  services integer,
  instances integer,
  cpu_milli bigint,
  memory_bytes bigint,
  deployments_per_hour integer,
  updated_at timestamptz not null default now()
);

-- What is lost with a crash of Postgres: counters, which then begin anew.
create unlogged table rate_limits (
  bucket text primary key,
  tokens double precision not null,
  updated_at timestamptz not null
);
create index on rate_limits (updated_at);

-- What is to be erased (erased_at is null) and was erased, by id alone: a restored backup is cleaned by it.
create table erasures (
  id text primary key,
  subject_type text not null check (subject_type in ('organization', 'person')),
  subject_id text not null unique,
  requested_at timestamptz not null default now(),
  erased_at timestamptz,
  stores jsonb not null default '[]',
  certificate jsonb
);
create index on erasures (erased_at);

alter table secret_versions add column created_by text;
${organizationTables.map((organizationTable) => only(organizationTable, `${setting} in ('*', organization_id)`)).join("")}
${["audit_heads", "audit_entries", "audit_checkpoints"].map((name) => only(name, `${setting} in ('*', organization_id)`)).join("")}
${only("organizations", `${setting} in ('*', id)`)}
${serverTables.map((serverTable) => only(serverTable, `${setting} = '*'`)).join("")}
`
