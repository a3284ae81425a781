/** Registrations with an unanswered mail: the mailed link creates the account and its organization. */
export const mailedRegistrations = /* sql */ `
alter table one_time_tokens drop constraint one_time_tokens_purpose_check;
alter table one_time_tokens add constraint one_time_tokens_purpose_check
  check (purpose in ('verify', 'signIn', 'bootstrap', 'register'));
alter table one_time_tokens add column email text;
alter table one_time_tokens add column organization text;
create index one_time_tokens_email on one_time_tokens (email) where email is not null;
`
