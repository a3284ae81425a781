import { appendFileSync } from "node:fs"
import { relative } from "node:path"
import { Schema } from "effect"

/** The row of a fault in docs/reliability.md. */
export const FaultOutcome = Schema.Struct({
  /** The fault in a few words: it identifies the row. */
  fault: Schema.NonEmptyString,
  /** What a user sees, with the server's own words in quotes. */
  seen: Schema.NonEmptyString,
  /** How it recovers. */
  recovery: Schema.NonEmptyString,
  /** The outage, or the time until recovery, in seconds; null if nothing stopped. */
  seconds: Schema.NullOr(Schema.Number.pipe(Schema.nonNegative())),
  /** The test file that showed it, relative to the root of the repository. */
  test: Schema.String.pipe(Schema.pattern(/^[\w/.-]+\.test\.ts$/)),
  date: Schema.String.pipe(Schema.pattern(/^\d{4}-\d{2}-\d{2}$/))
})
export type FaultOutcome = typeof FaultOutcome.Type

/** Names the file that outcomes are appended to, as lines of JSON. */
export const outcomesVariable = "MAXCLOUD_FAULT_OUTCOMES"

const root = new URL("../../..", import.meta.url).pathname

/** Records the outcome of a fault caused by a test, if requested. `file`: the test's own `import.meta.filename`. */
export const recordFault = (file: string, outcome: Omit<FaultOutcome, "test" | "date">): void => {
  const date = new Date().toISOString().slice(0, 10)
  const seen = outcome.seen.replaceAll(/\/\S*maxcloud-server-\w+\/(data)+/g, "/var/lib/maxcloud")
  const whole: FaultOutcome = { ...outcome, seen, test: relative(root, file), date }
  const target = process.env[outcomesVariable]
  if (target === undefined) return
  appendFileSync(target, `${JSON.stringify(whole)}\n`)
  const seconds = outcome.seconds === null ? "" : ` (${outcome.seconds} s)`
  console.log(`${outcome.fault}: ${seen} → ${outcome.recovery}${seconds}`)
}
