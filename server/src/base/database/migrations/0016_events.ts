const rowsOf = (table: string) => `
alter table ${table} enable row level security;
alter table ${table} force row level security;
create policy ${table}_organization on ${table}
  using (current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on')
  with check (current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on');`

/**
 * The events of an organization, each written by the transaction that caused it, and numbered after its commit. A number
 * assigned earlier could belong to a transaction that commits later, and readers would skip it.
 */
export const events = /* sql */ `
create table events (
  organization_id text not null,
  id text not null,
  sequence bigint,
  type text not null,
  subject text not null,
  app text,
  stage text,
  user_id text,
  data jsonb not null,
  at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id)
);
create unique index events_sequence on events (organization_id, sequence);
create index events_new on events (organization_id) where sequence is null;
create index events_at on events (at);
create index events_user on events (user_id) where user_id is not null;

create table event_heads (organization_id text primary key, last bigint not null);
${rowsOf("events")}
${rowsOf("event_heads")}
`
