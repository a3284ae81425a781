import { Schema } from "effect"

const Amount = Schema.Number.pipe(Schema.finite(), Schema.nonNegative())

/** How a server fares at one moment of a soak. */
export const Sample = Schema.Struct({
  /** Since the load began. */
  second: Amount,
  serverMiB: Amount,
  /** Of all processes of the embedded Postgres, shared memory counted once. */
  databaseMiB: Amount,
  descriptors: Amount,
  rows: Amount,
  databaseSizeMiB: Amount,
  /** The whole data folder. */
  diskMiB: Amount,
  instances: Amount,
  /** Of the requests since the sample before. */
  p50Ms: Amount,
  p99Ms: Amount
})
export type Sample = typeof Sample.Type

export const Totals = Schema.Struct({
  requests: Schema.NonNegativeInt,
  failedRequests: Schema.NonNegativeInt,
  webSockets: Schema.NonNegativeInt,
  deployments: Schema.NonNegativeInt,
  failedDeployments: Schema.NonNegativeInt,
  removals: Schema.NonNegativeInt,
  logLines: Schema.NonNegativeInt
})
export type Totals = typeof Totals.Type

/** What docs/reliability/soak.json holds. */
export const Soak = Schema.Struct({
  date: Schema.String.pipe(Schema.pattern(/^\d{4}-\d{2}-\d{2}$/)),
  machine: Schema.String,
  commit: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{7,40}$/)),
  minutes: Amount,
  totals: Totals,
  /** The first failures, in their own words. */
  failures: Schema.Array(Schema.String),
  samples: Schema.Array(Sample).pipe(Schema.minItems(2))
})
export type Soak = typeof Soak.Type

export const SoakFile = Schema.parseJson(Soak, { space: 1 })
