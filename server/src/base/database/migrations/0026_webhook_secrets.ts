/**
 * A webhook's secrets in a table of their own, so that each of them signs until its own end. `valid_until` is null for the current one.
 * `receives_from` and `disabled_at`: when a webhook was added or enabled last, and when it was disabled. Only events in between are sent.
 */
export const webhookSecrets = /* sql */ `
set local maxcloud.all_rows = 'on';

create table webhook_secrets (
  organization_id text not null,
  webhook_id text not null,
  id text not null,
  key_id text not null,
  sealed bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  valid_until timestamptz,
  primary key (organization_id, webhook_id, id),
  foreign key (organization_id, webhook_id) references webhooks (organization_id, id) on delete cascade
);
create unique index webhook_secrets_current on webhook_secrets (organization_id, webhook_id) where valid_until is null;
alter table webhook_secrets enable row level security;
alter table webhook_secrets force row level security;
create policy webhook_secrets_organization on webhook_secrets
  using (current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on')
  with check (current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on');

insert into webhook_secrets (organization_id, webhook_id, id, key_id, sealed, created_at)
select organization_id, id, 'whs_' || md5(id || ' current'), secret_by, secret, created_at from webhooks;
insert into webhook_secrets (organization_id, webhook_id, id, key_id, sealed, created_at, valid_until)
select organization_id, id, 'whs_' || md5(id || ' former'), former_by, former, created_at, former_until from webhooks
where former is not null and former_by is not null and former_until > clock_timestamp();

alter table webhooks
  drop column secret_by, drop column secret, drop column former_by, drop column former, drop column former_until,
  add column receives_from timestamptz not null default clock_timestamp(),
  add column disabled_at timestamptz;
update webhooks set receives_from = created_at, disabled_at = case when disabled_because is not null then created_at end;

drop index events_new;
create index events_new on events (organization_id, at, id) where sequence is null;
`
