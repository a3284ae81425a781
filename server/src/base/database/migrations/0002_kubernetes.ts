/**
 * Tables and columns for the Kubernetes runtime. The columns have defaults, so a server of the previous version, which doesn't know them,
 * keeps working beside one of this version.
 */
export const kubernetes = /* sql */ `
alter table deployments add column images jsonb not null default '{}';
alter table deployments add column force_conflicts boolean not null default false;
alter table deployment_services add column diagnosis jsonb;
alter table deployment_manifests add column context jsonb not null default '{}';
alter table services add column pinned_image text;
alter table services add column paused boolean not null default false;

create table drift (
  id bigint generated always as identity,
  organization_id text not null references organizations (id),
  app text,
  stage text not null,
  api_version text not null,
  kind text not null,
  name text not null,
  change text not null check (change in ('edited', 'deleted')),
  manager text,
  fields jsonb not null default '[]',
  noticed_at timestamptz not null,
  healed_at timestamptz,
  primary key (organization_id, id)
);
create index on drift (organization_id, stage, id);

create table registry_credentials (
  organization_id text not null references organizations (id),
  host text not null,
  username text not null,
  key_id text not null,
  nonce bytea not null,
  sealed bytea not null,
  updated_at timestamptz not null default now(),
  primary key (organization_id, host)
);

create table instances (
  organization_id text not null references organizations (id),
  uid text not null,
  app text not null,
  stage text not null,
  service text not null,
  revision text not null,
  instance text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  ended_at timestamptz,
  cpu_milli integer not null,
  memory_bytes bigint not null,
  primary key (organization_id, uid)
);
create index on instances (organization_id, started_at);
create index on instances (organization_id) where ended_at is null;

create table replicas (
  id text primary key,
  seen_at timestamptz not null default clock_timestamp()
);

create table shards (
  shard integer primary key,
  replica text,
  token bigint not null default 0,
  lease_until timestamptz not null default '-infinity'
);
`
