/** The mailed code of a pending sign-in, sealed, so that sign-ins that begin meanwhile use the same one. */
export const signInCodes = /* sql */ `
alter table one_time_tokens add column sealed_by text;
alter table one_time_tokens add column sealed bytea;
`
