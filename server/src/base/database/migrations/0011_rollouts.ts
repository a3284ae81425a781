/**
 * The platform (settings, and the format of manifests) that a stage's objects were last applied for, and the result of
 * the last attempt. `platforms` has the servers' last platforms, to show the differences. It belongs to no organization.
 */
export const rollouts = /* sql */ `
alter table app_stages add column platform_key text;
alter table app_stages add column rolled_out_at timestamptz;
alter table app_stages add column rollout_error text;
alter table app_stages add column rollout_attempts integer not null default 0;
alter table app_stages add column rollout_due_at timestamptz not null default '-infinity';

alter table deployment_manifests add column applied text;

create table platforms (
  key text primary key,
  platform jsonb not null,
  started_at timestamptz not null default clock_timestamp()
);
`
