import { Effect, type Scope } from "effect"
import { Counter, Gauge, Histogram, Registry } from "prom-client"
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricName,
  metricRow
} from "./metricTable.ts"

/** A value of a metric, with its labels. */
export interface Reading<N extends MetricName> {
  readonly labels: LabelsOf<N>
  readonly value: number
}

/**
 * What this process counts, wherever it happens: a part that counts needs no service for it. Several servers in one process
 * (`embedded()`) share these counts.
 */
const registry = new Registry()
const counters = new Map<CounterName, Counter>()
const histograms = new Map<HistogramName, Histogram>()

const made = <N, M>(all: Map<N, M>, name: N, make: () => M): M => {
  const found = all.get(name)
  if (found !== undefined) return found
  const one = make()
  all.set(name, one)
  return one
}

const optionsOf = (name: MetricName, registers = [registry]) => {
  const { help, labels } = metricRow(name)
  return { name, help, labelNames: [...labels], registers }
}

export const count = <N extends CounterName>(name: N, labels: LabelsOf<N>, by = 1): void =>
  made(counters, name, () => new Counter(optionsOf(name))).inc({ ...labels }, by)

/** Reports these counters from now on, as 0 for each known value of their label. */
export const startAtZero = (...names: ReadonlyArray<CounterName>): void => {
  for (const name of names) {
    const { known = [], labels } = metricRow(name)
    const counter = made(counters, name, () => new Counter(optionsOf(name)))
    for (const value of known) for (const label of labels) counter.inc({ [label]: value }, 0)
  }
}

export const observe = <N extends HistogramName>(name: N, labels: LabelsOf<N>, seconds: number): void =>
  made(
    histograms,
    name,
    () => new Histogram({ ...optionsOf(name), buckets: [...(metricRow(name).buckets ?? [])] })
  ).observe({ ...labels }, seconds)

type Read = () => ReadonlyArray<{ readonly labels: Readonly<Record<string, string>>; readonly value: number }>
const sources = new Map<GaugeName, Set<Read>>()

const combined = {
  sum: (a: number, b: number) => a + b,
  max: (a: number, b: number) => Math.max(a, b),
  min: (a: number, b: number) => Math.min(a, b)
} as const

const gaugeOf = (name: GaugeName, reads: ReadonlySet<Read>): void => {
  const combine = combined[metricRow(name).combine ?? "sum"]
  const gauge = new Gauge({
    ...optionsOf(name),
    collect: () => {
      gauge.reset()
      const values = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly value: number }>()
      for (const { labels, value } of [...reads].flatMap((read) => read())) {
        const key = JSON.stringify(labels)
        const before = values.get(key)
        values.set(key, { labels, value: before === undefined ? value : combine(before.value, value) })
      }
      // Without labels, a reset gauge is 0: it's only there if somebody reports it.
      if (values.size === 0 && metricRow(name).labels.length === 0) gauge.remove()
      for (const { labels, value } of values.values()) gauge.set({ ...labels }, value)
    }
  })
}

/** Reports a gauge at each scrape until the scope closes. */
export const report = <N extends GaugeName>(
  name: N,
  read: () => ReadonlyArray<Reading<N>>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const reads = made(sources, name, () => {
        const all = new Set<Read>()
        gaugeOf(name, all)
        return all
      })
      reads.add(read)
      return reads
    }),
    (reads) => Effect.sync(() => reads.delete(read))
  ).pipe(Effect.asVoid)

const held = new Map<GaugeName, Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>>()

/** Adds to a gauge of what's in progress, or takes away from it. */
export const adjust = <N extends GaugeName>(name: N, labels: LabelsOf<N>, by: 1 | -1): void => {
  const values = made(held, name, () => {
    const all = new Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>()
    gaugeOf(name, new Set([() => [...all.values()]]))
    return all
  })
  const key = JSON.stringify(labels)
  const before = values.get(key)
  if (before === undefined) values.set(key, { labels, value: by })
  else before.value += by
}

/** The total of one series of a counter; 0 if nothing was counted. For tests and the server's own decisions. */
export const countedSoFar = async <N extends CounterName>(name: N, labels: LabelsOf<N>): Promise<number> => {
  const values = (await counters.get(name)?.get())?.values ?? []
  const wanted: ReadonlyArray<readonly [string, unknown]> = Object.entries(labels)
  return values.find((one) => wanted.every(([label, value]) => one.labels[label] === value))?.value ?? 0
}

/** Prometheus's text format of all of the above. */
export const renderProcessMetrics = (): Promise<string> => registry.metrics()
