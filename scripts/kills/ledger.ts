import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { Schema } from "effect"

const Count = Schema.NonNegativeInt

/** One batch of kills in docs/reliability/kills.json. */
export const Batch = Schema.Struct({
  date: Schema.String.pipe(Schema.pattern(/^\d{4}-\d{2}-\d{2}$/)),
  machine: Schema.String,
  commit: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{7,40}$/)),
  seed: Count,
  seconds: Count,
  kills: Schema.Record({ key: Schema.String, value: Count }),
  acknowledged: Schema.Struct({ deployments: Count, secrets: Count, lines: Count, requests: Count }),
  faults: Schema.Struct({ lost: Count, orphan: Count, database: Count, other: Count }),
  recoveryMs: Schema.Struct({ median: Count, longest: Count }),
  /** The findings, if any, and their outcome. */
  notes: Schema.Array(Schema.String)
})
export type Batch = typeof Batch.Type

export const Ledger = Schema.parseJson(Schema.Struct({ batches: Schema.Array(Batch) }), { space: 2 })

export const readLedger = (file: string): typeof Ledger.Type =>
  existsSync(file) ? Schema.decodeUnknownSync(Ledger)(readFileSync(file, "utf8")) : { batches: [] }

/** Appends a batch, or replaces an earlier state of the same batch. */
export const keepBatch = (file: string, batch: Batch): void => {
  const others = readLedger(file).batches.filter((each) => each.date !== batch.date || each.seed !== batch.seed)
  writeFileSync(file, `${Schema.encodeSync(Ledger)({ batches: [...others, batch] })}\n`)
}

export const killsOf = (batch: Pick<Batch, "kills">): number =>
  Object.values(batch.kills).reduce((sum, count) => sum + count, 0)
