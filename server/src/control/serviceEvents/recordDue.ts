import { Effect } from "effect"
import type { Gathered } from "./gathering.ts"

/** So many services' rows are locked by one transaction: a cluster update scales thousands at once. */
const servicesAtOnce = 200

interface Recording<A, E, R> {
  readonly organizationOf: (item: A) => string
  /** Records some reports, in a transaction. */
  readonly record: (reports: ReadonlyArray<Gathered<A>>) => Effect.Effect<void, E, R>
  /** What to do with the reports that weren't recorded. */
  readonly again: (reports: ReadonlyArray<Gathered<A>>) => Effect.Effect<void>
}

/** Records reports in short transactions, those of an organization together. If one fails, it and those after it are put back. */
export const recordDue = <A, E, R>(
  due: ReadonlyArray<Gathered<A>>,
  { again, organizationOf, record }: Recording<A, E, R>
): Effect.Effect<void, E, R> =>
  Effect.suspend(() => {
    const ofOne = Map.groupBy(due, ({ items: [first] }) => (first === undefined ? "" : organizationOf(first)))
    const sorted = [...ofOne.values()].flat()
    let recorded = 0
    const step = Effect.suspend(() =>
      Effect.map(record(sorted.slice(recorded, recorded + servicesAtOnce)), () => {
        recorded += servicesAtOnce
      })
    )
    return Effect.whileLoop({ while: () => recorded < sorted.length, body: () => step, step: () => {} }).pipe(
      Effect.onError(() => again(sorted.slice(recorded)))
    )
  })
