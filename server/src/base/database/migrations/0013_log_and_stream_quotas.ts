/** An organization's own quotas for bytes of log lines and for open streams. */
export const logAndStreamQuotas = /* sql */ `
alter table organization_quotas add column log_bytes bigint, add column streams bigint;
`
