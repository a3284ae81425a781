/** An organization's rules for its apps. */
export const policies = /* sql */ `
create table policies (
  organization_id text not null references organizations (id),
  name text not null,
  expression text not null,
  message text,
  enforcement text not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, name)
);
alter table policies enable row level security;
alter table policies force row level security;
create policy policies_organization on policies
  using (current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on')
  with check (current_setting('maxcloud.organization', true) = organization_id or current_setting('maxcloud.all_rows', true) = 'on');
`
