/**
 * Who holds a lease. `lease_holders` lists the servers, each of which holds an advisory lock of its id while it lives: if its lock is free, it's
 * dead, and its leases are freed at once instead of when they expire. Null: only time ends the lease.
 */
export const leaseHolders = /* sql */ `
create table lease_holders (
  id text primary key,
  since timestamptz not null default clock_timestamp()
);
alter table work_items add column lease_holder text;
alter table keyed_requests add column lease_holder text;
alter table mail_outbox add column lease_holder text;
alter table webhook_deliveries add column lease_holder text;
alter table shards add column lease_holder text;
alter table replicas add column lease_holder text;
create index keyed_requests_leased on keyed_requests (lease_holder) where lease_until is not null;
`
