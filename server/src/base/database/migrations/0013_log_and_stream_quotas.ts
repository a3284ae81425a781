/** How many bytes of log lines an organization may keep, and how many streams it may have open, if it was set for it. */
export const logAndStreamQuotas = /* sql */ `
alter table organization_quotas add column log_bytes bigint, add column streams bigint;
`
