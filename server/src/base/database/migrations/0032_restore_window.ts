/**
 * While it is open, the runtime starts new revisions without instances, so that idle services come back at zero. `token`: whose
 * window it is. Once `scale_known`, `scale_before` is the value to set afterwards: whoever finds a window past `open_until` sets
 * it, also after a crash. `started_at` is when a service was last started: it must start with an instance. `wanted_since`: since
 * when a window has waited. A deployment with `admitted_at` must start with instances until it has finished.
 */
export const restoreWindow = /* sql */ `
create table restore_window (
  single boolean primary key default true check (single),
  is_open boolean not null default false,
  open_until timestamptz not null default '-infinity',
  token uuid,
  scale_known boolean not null default false,
  scale_before text,
  started_at timestamptz not null default '-infinity',
  wanted_since timestamptz not null default '-infinity'
);
insert into restore_window default values;
alter table deployments add column admitted_at timestamptz;
create index deployments_admitted on deployments (id) where admitted_at is not null and finished_at is null;
`
