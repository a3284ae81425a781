/** An organization's display name, if it isn't its name. */
export const organizationDisplayNames = /* sql */ `
alter table organizations add column display_name text;
`
