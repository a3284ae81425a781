/**
 * Who made a deployment, why and from what. People and keys are stored only by id: names are looked up on reading, so an
 * erased person's name appears nowhere. `message` is the server's; the author's is `user_message`.
 */
export const deploymentOrigins = /* sql */ `
alter table deployments add column kind text not null default 'deploy';
alter table deployments add column from_number integer;
alter table deployments add column created_by_type text;
alter table deployments add column created_by text;
alter table deployments add column user_message text;
alter table deployments add column metadata jsonb not null default '{}';
create index on deployments (created_by) where created_by_type = 'person';
`
