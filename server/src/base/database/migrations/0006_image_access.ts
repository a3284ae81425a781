/**
 * The images in the container engine's store that an organization may run, according to their registry's answer at that
 * time.
 */
export const imageAccess = /* sql */ `
create table image_access (
  organization_id text not null references organizations (id) on delete cascade,
  reference text not null,
  image_id text not null,
  digest text not null,
  checked_at timestamptz not null default now(),
  primary key (organization_id, reference, image_id)
);
alter table image_access enable row level security;
alter table image_access force row level security;
create policy image_access_organization on image_access
  using (coalesce(current_setting('maxcloud.organization', true), '*') in ('*', organization_id))
  with check (coalesce(current_setting('maxcloud.organization', true), '*') in ('*', organization_id));
`
