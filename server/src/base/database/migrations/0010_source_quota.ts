/** An organization's own quota for bytes of source snapshots. */
export const sourceQuota = /* sql */ `
alter table organization_quotas add column source_bytes bigint;
`
