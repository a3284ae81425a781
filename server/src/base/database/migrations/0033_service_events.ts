/**
 * Events of what runtimes observe. `told_*` is what the last event said, so that each fact is reported once, whichever server
 * sees it and however often. `told_happenings` holds the ids of facts that have happened lately. `announced`: the last event
 * that the cluster's own events tell.
 */
export const serviceEvents = /* sql */ `
alter table events add column service text;
update events set service = data ->> 'name' where type like 'service.%';
create index events_service on events (organization_id, service, sequence) where service is not null;

alter table services add column told_instances integer not null default 0;
alter table services add column told_full_at timestamptz not null default '-infinity';
update services set told_instances = coalesce((status ->> 'instances')::integer, 0);

alter table drift add column told_found boolean not null default false;
alter table drift add column told_healed boolean not null default false;
update drift set told_found = true, told_healed = healed_at is not null;
create index drift_untold on drift (organization_id, app, stage)
  where not told_found or (healed_at is not null and not told_healed);

create table told_happenings (
  organization_id text not null,
  id text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id)
);
create index told_happenings_at on told_happenings (at);
alter table told_happenings enable row level security;
alter table told_happenings force row level security;
create policy told_happenings_organization on told_happenings
  using (current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on')
  with check (current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on');

alter table event_heads add column announced bigint not null default 0;
update event_heads set announced = last;
`
