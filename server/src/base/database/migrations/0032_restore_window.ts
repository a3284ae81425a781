/**
 * While it is open, the runtime starts new revisions without instances, so that idle services come back at zero. `scale_before` is
 * the value to set afterwards: whoever finds a window past `open_until` sets it, also after a crash. `deployed_at` is when a
 * deployment was last applied: its new revisions must start with an instance. `wanted_since`: since when a window has waited for deployments.
 */
export const restoreWindow = /* sql */ `
create table restore_window (
  single boolean primary key default true check (single),
  is_open boolean not null default false,
  open_until timestamptz not null default '-infinity',
  scale_before text,
  deployed_at timestamptz not null default '-infinity',
  wanted_since timestamptz not null default '-infinity'
);
insert into restore_window default values;
`
