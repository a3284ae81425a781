const rowsOf = (table: string) => `
alter table ${table} enable row level security;
alter table ${table} force row level security;
create policy ${table}_organization on ${table}
  using (current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on')
  with check (current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on');`

/** Webhook URLs, and the queue of deliveries. A delivery lives as long as its event. */
export const webhooks = /* sql */ `
create table webhooks (
  organization_id text not null references organizations (id),
  id text not null,
  url text not null,
  types jsonb not null,
  description text not null,
  secret_by text not null,
  secret bytea not null,
  former_by text,
  former bytea,
  former_until timestamptz,
  disabled_because text,
  failing_since timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id)
);

create table webhook_deliveries (
  organization_id text not null,
  id text not null,
  webhook_id text not null,
  event_id text not null,
  attempts integer not null default 0,
  available_at timestamptz not null default clock_timestamp(),
  lease_until timestamptz,
  give_up_at timestamptz not null,
  last_status integer,
  last_error text,
  last_answer text,
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, webhook_id, event_id),
  foreign key (organization_id, webhook_id) references webhooks (organization_id, id) on delete cascade,
  foreign key (organization_id, event_id) references events (organization_id, id) on delete cascade
);
create index webhook_deliveries_open on webhook_deliveries (available_at) where finished_at is null;
create index webhook_deliveries_leased on webhook_deliveries (organization_id) where lease_until is not null;
create index webhook_deliveries_event on webhook_deliveries (organization_id, event_id);
${rowsOf("webhooks")}
${rowsOf("webhook_deliveries")}
`
