/** How many bytes of source snapshots an organization may keep, if it was set for it. */
export const sourceQuota = /* sql */ `
alter table organization_quotas add column source_bytes bigint;
`
