/** The state of a deployment that somebody has cancelled. */
export const cancelledDeployments = /* sql */ `
alter table deployments drop constraint deployments_state_check;
alter table deployments add constraint deployments_state_check
  check (state in ('queued', 'running', 'succeeded', 'failed', 'superseded', 'cancelled'));
`
