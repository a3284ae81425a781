/**
 * The origin of a deployment's secret values. Null means this database, else it's the store and the template of the keys
 * there. A server of the previous version, which doesn't know the column, keeps working beside one of this version.
 */
export const externalSecrets = /* sql */ `
alter table deployments add column external_secrets jsonb;
`
