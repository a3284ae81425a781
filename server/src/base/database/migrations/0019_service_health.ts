/** The health of a service that its organization's events reported last, and when. */
export const serviceHealth = /* sql */ `
alter table services add column told_health text;
alter table services add column told_at timestamptz;
update services set told_health = 'ready', told_at = now()
where status ->> 'state' in ('ready', 'idle', 'waking', 'degraded');
`
