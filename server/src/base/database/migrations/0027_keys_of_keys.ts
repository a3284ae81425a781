/** Which key created a key. Deleting a key deletes the keys that it created, whichever way it is deleted. */
export const keysOfKeys = /* sql */ `
alter table api_keys
  add column created_with text,
  add foreign key (organization_id, created_with) references api_keys (organization_id, id) on delete cascade;
create index on api_keys (organization_id, created_with) where created_with is not null;
`
