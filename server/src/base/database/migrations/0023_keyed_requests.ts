const condition =
  "current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on'"

/** Requests with an `Idempotency-Key`, of all operations. Their content and answers are sealed. */
export const keyedRequests = /* sql */ `
create table keyed_requests (
  organization_id text not null references organizations (id) on delete cascade,
  caller text not null,
  operation text not null,
  key text not null,
  digest_by text not null,
  digest bytea not null,
  attempt text not null,
  lease_until timestamptz,
  made text,
  done_at timestamptz,
  answer_by text,
  answer bytea,
  created_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, caller, operation, key)
);
create index keyed_requests_of on keyed_requests (organization_id, created_at);
create index keyed_requests_age on keyed_requests (created_at);
alter table keyed_requests enable row level security;
alter table keyed_requests force row level security;
create policy keyed_requests_organization on keyed_requests using (${condition}) with check (${condition});
drop table idempotency_keys;
alter table services drop column restart_key;
`
