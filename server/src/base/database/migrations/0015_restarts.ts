/** When a service was last restarted, by which request, and its newest revision at that time. */
export const restarts = /* sql */ `
alter table services add column restarted_at timestamptz;
alter table services add column restarted_from text;
alter table services add column restart_key text;
`
