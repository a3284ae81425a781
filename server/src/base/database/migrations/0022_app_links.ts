const condition =
  "current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on'"

/**
 * Which service calls which service of another app, as last accepted. The exports that allow it are in the other app's
 * spec.
 */
export const appLinks = /* sql */ `
create table app_links (
  organization_id text not null references organizations (id) on delete cascade,
  app text not null,
  stage text not null,
  service text not null,
  to_app text not null,
  to_stage text not null,
  to_service text not null,
  uses_public_url boolean not null,
  primary key (organization_id, app, stage, service, to_app, to_stage, to_service)
);
create index app_links_target on app_links (organization_id, to_app, to_stage);
alter table app_links enable row level security;
alter table app_links force row level security;
create policy app_links_organization on app_links using (${condition}) with check (${condition});
`
