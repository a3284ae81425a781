import { Schema } from "effect"

const Amount = Schema.Number.pipe(Schema.finite(), Schema.nonNegative())

/** A server's measurements at one moment of a soak. */
export const Sample = Schema.Struct({
  /** Seconds since the load started. */
  second: Amount,
  serverMiB: Amount,
  /** The memory of all processes of the embedded Postgres. Shared memory counts once. */
  databaseMiB: Amount,
  descriptors: Amount,
  rows: Amount,
  databaseSizeMiB: Amount,
  /** The size of the data folder. */
  diskMiB: Amount,
  instances: Amount,
  /** Latency of the requests since the previous sample. */
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

/** The content of docs/reliability/soak.json. */
export const Soak = Schema.Struct({
  date: Schema.String.pipe(Schema.pattern(/^\d{4}-\d{2}-\d{2}$/)),
  machine: Schema.String,
  commit: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{7,40}$/)),
  minutes: Amount,
  totals: Totals,
  /** The messages of the first failures. */
  failures: Schema.Array(Schema.String),
  samples: Schema.Array(Sample).pipe(Schema.minItems(2))
})
export type Soak = typeof Soak.Type

export const SoakFile = Schema.parseJson(Soak, { space: 1 })
