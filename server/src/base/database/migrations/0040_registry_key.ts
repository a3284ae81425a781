/** The server's own key for tokens of the registry, if no setting gives one. */
export const registryKey = /* sql */ `
alter table server_keys drop constraint server_keys_purpose_check;
alter table server_keys add constraint server_keys_purpose_check check (purpose in ('sealing', 'signing', 'registry'));
`
