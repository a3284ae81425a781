/**
 * What the next server must know about the cluster. `cluster_sightings`: when a server could reach it, one row for each stretch
 * without an outage; `seen_at` is the newest time. `installation.runtime_class`: the default class of organizations' programs,
 * from the last start; null for the cluster's own runtime.
 */
export const clusterMemory = /* sql */ `
create table cluster_sightings (
  id uuid primary key,
  began_at timestamptz not null,
  seen_at timestamptz not null
);
create index on cluster_sightings (seen_at);
alter table installation add column runtime_class text;
`
