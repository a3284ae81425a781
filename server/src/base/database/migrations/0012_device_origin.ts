/** Where a program asked to sign in from. Null: it asked a server of the version before. */
export const deviceOrigin = /* sql */ `
alter table device_authorizations add column client_address text;
`
