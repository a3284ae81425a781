/** Which credential set a version of a secret. It was the id of a person before, for keys the id of their creator. */
export const secretAuthors = /* sql */ `
set local maxcloud.all_rows = 'on';

alter table secret_versions add column created_by_type text;
update secret_versions set created_by_type = 'person' where created_by is not null;
`
