/**
 * A service's name is unique in its app and stage, which have a namespace of their own. Until now an organization's apps
 * shared one namespace for each stage: `former_namespace` is its name without the prefix, from which a stage's objects
 * must still be removed.
 */
export const appNamespaces = /* sql */ `
-- Row security binds the owner of the tables, too.
set local maxcloud.all_rows = 'on';

alter table services drop constraint services_organization_id_stage_name_key;
alter table services add unique (organization_id, app, stage, name);
drop index services_organization_id_app_stage_idx;

delete from drift where app is null;
alter table drift alter column app set not null;
drop index drift_organization_id_stage_id_idx;
create index on drift (organization_id, app, stage, id);

alter table app_stages add column former_namespace text;
update app_stages a
set former_namespace = case when a.stage = 'production' then '' else a.stage || '--' end || o.name
from organizations o where o.id = a.organization_id and a.inventory <> '[]';
`
