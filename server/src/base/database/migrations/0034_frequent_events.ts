/** Events that services cause without anybody's action: the hourly deletion of most of them reads them in order, without a sort. */
export const frequentEvents = /* sql */ `
alter table events add column frequent boolean not null default false;
update events set frequent = true
  where type in ('service.scaled', 'service.throttled', 'instance.restarted', 'instance.evicted', 'image.pulled');
create index events_frequent on events (organization_id, app, stage, service, at desc, id desc) where frequent;
`
