/** What people call an organization, if that isn't its name. */
export const organizationDisplayNames = /* sql */ `
alter table organizations add column display_name text;
`
