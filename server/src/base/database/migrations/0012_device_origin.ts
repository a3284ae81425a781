/** The network address from which a program asked to sign in. Null: it asked a server of the previous version. */
export const deviceOrigin = /* sql */ `
alter table device_authorizations add column client_address text;
`
