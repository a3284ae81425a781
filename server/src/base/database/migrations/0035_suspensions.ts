/** Until when a stage's objects stay as others change them, and who asked for that. */
export const suspensions = /* sql */ `
alter table app_stages
  add column suspended_at timestamptz,
  add column suspended_until timestamptz,
  add column suspend_reason text,
  add column suspended_by_type text,
  add column suspended_by text,
  add check ((suspended_until is null) = (suspended_at is null) and (suspended_until is null) = (suspend_reason is null));
`
