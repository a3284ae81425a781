/**
 * Where the values of a deployment's secrets come from: null: from this database; else the store and the template of the keys there. A
 * server of the version before goes on beside one of this: it neither names nor needs it.
 */
export const externalSecrets = /* sql */ `
alter table deployments add column external_secrets jsonb;
`
