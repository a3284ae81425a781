/**
 * When a server last measured a deployment's deadline. `deadline_at` minus this is what was left: time in which the cluster was
 * unreachable, or no server ran, isn't part of it. Null: no server of this version has seen it.
 */
export const deadlinesSeen = /* sql */ `
alter table deployments add column deadline_seen_at timestamptz;
`
