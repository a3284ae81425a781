/** The runtime has lost everything of the stage, and not all of it is restored yet. */
export const lostStages = /* sql */ `
alter table app_stages add column lost boolean not null default false;
`
