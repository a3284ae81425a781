/** When a service was restarted last, by which request, and the newest revision that it had then. */
export const restarts = /* sql */ `
alter table services add column restarted_at timestamptz;
alter table services add column restarted_from text;
alter table services add column restart_key text;
`
