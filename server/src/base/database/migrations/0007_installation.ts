/** Only the server's own work. */
const serverOnly =
  "current_setting('maxcloud.organization', true) = '*' or current_setting('maxcloud.all_rows', true) = 'on'"

/**
 * Decisions made once for a whole installation. A server of the previous version gave namespaces no prefix, so if it has
 * organizations, there's no prefix. Row security is lifted for the query, because otherwise the tables' owner may not
 * see rows.
 */
export const installation = /* sql */ `
create table installation (
  singleton boolean primary key default true check (singleton),
  namespace_prefix text not null,
  decided_at timestamptz not null default now()
);
alter table organizations no force row level security;
insert into installation (namespace_prefix) select '' where exists (select 1 from organizations);
alter table organizations force row level security;
alter table installation enable row level security;
alter table installation force row level security;
create policy installation_organization on installation using (${serverOnly}) with check (${serverOnly});
`
