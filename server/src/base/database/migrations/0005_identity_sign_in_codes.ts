/** Beside a sign-in that is pending, the code that was mailed for it, sealed: sign-ins that begin meanwhile take the same one. */
export const signInCodes = /* sql */ `
alter table one_time_tokens add column sealed_by text;
alter table one_time_tokens add column sealed bytea;
`
