/**
 * `json` (not `jsonb`) for specs and manifests, which must come back byte for byte in their original order. Foreign keys
 * include the organization, so that no row can reference another's.
 */
export const initial = /* sql */ `
create table organizations (
  id text primary key,
  name text not null unique,
  created_at timestamptz not null default now()
);

create table app_stages (
  organization_id text not null references organizations (id),
  app text not null,
  stage text not null,
  last_number integer not null default 0,
  inventory jsonb not null default '[]',
  created_at timestamptz not null default now(),
  primary key (organization_id, app, stage)
);

create table deployments (
  id text not null,
  organization_id text not null,
  app text not null,
  stage text not null,
  number integer not null,
  state text not null check (state in ('queued', 'running', 'succeeded', 'failed', 'superseded')),
  reason text not null,
  message text not null,
  spec json not null,
  secret_versions jsonb not null,
  warnings jsonb not null,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  deadline_at timestamptz,
  finished_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, app, stage, number),
  foreign key (organization_id, app, stage) references app_stages
);
create index on deployments (organization_id, app, stage, number) where finished_at is null;

create table deployment_manifests (
  organization_id text not null,
  deployment_id text not null,
  manifests json not null,
  primary key (organization_id, deployment_id),
  foreign key (organization_id, deployment_id) references deployments
);

create table deployment_services (
  organization_id text not null,
  deployment_id text not null,
  position integer not null,
  name text not null,
  action text not null check (action in ('create', 'update', 'delete', 'unchanged')),
  state text not null check (state in ('pending', 'ready', 'failed', 'deleted')),
  revision text,
  url text,
  reason text not null,
  message text not null,
  log_tail jsonb not null default '[]',
  primary key (organization_id, deployment_id, name),
  foreign key (organization_id, deployment_id) references deployments
);

create table deployment_events (
  organization_id text not null,
  deployment_id text not null,
  id integer not null,
  at timestamptz not null default clock_timestamp(),
  type text not null,
  service text,
  reason text not null,
  message text not null,
  primary key (organization_id, deployment_id, id),
  foreign key (organization_id, deployment_id) references deployments
);

create table idempotency_keys (
  organization_id text not null,
  key text not null,
  request_hash text not null,
  deployment_id text not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, key)
);
create index on idempotency_keys (created_at);

create table services (
  id text not null,
  organization_id text not null,
  app text not null,
  stage text not null,
  name text not null,
  spec json not null,
  secret_versions jsonb not null,
  deployment_number integer not null,
  deleting boolean not null default false,
  status jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  unique (organization_id, stage, name),
  foreign key (organization_id, app, stage) references app_stages
);
create index on services (organization_id, app, stage);

create table secrets (
  organization_id text not null references organizations (id),
  app text not null,
  stage text not null,
  name text not null,
  version integer not null,
  is_set boolean not null default true,
  updated_at timestamptz not null default now(),
  primary key (organization_id, app, stage, name)
);

create table secret_versions (
  organization_id text not null,
  app text not null,
  stage text not null,
  name text not null,
  version integer not null,
  key_id text not null,
  nonce bytea not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, app, stage, name, version),
  foreign key (organization_id, app, stage, name) references secrets
);

create table work_items (
  organization_id text not null,
  key text not null,
  version bigint not null default 1,
  claimed_version bigint not null default 0,
  attempts integer not null default 0,
  available_at timestamptz not null default clock_timestamp(),
  lease_token text,
  lease_until timestamptz,
  primary key (organization_id, key)
);
create index on work_items (available_at);

create table runtime_objects (
  organization_id text not null,
  namespace text not null,
  kind text not null,
  name text not null,
  generation integer not null,
  manifest jsonb not null,
  status jsonb not null,
  primary key (organization_id, namespace, kind, name)
);
`
