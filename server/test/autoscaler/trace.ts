import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { Schema } from "effect"

const Numbers = Schema.Array(Schema.Number)

/** One line of `decisions.jsonl.gz`; the fields are described in `trace_test.go`. */
const RecordedTrace = Schema.Struct({
  kind: Schema.Literal("samples", "observed"),
  load: Schema.String,
  config: Schema.Struct({
    targetConcurrency: Schema.optionalWith(Schema.Number, { exact: true }),
    maxConcurrency: Schema.optionalWith(Schema.Number, { exact: true }),
    targetUtilization: Schema.optionalWith(Schema.Number, { exact: true }),
    min: Schema.optionalWith(Schema.Number, { exact: true }),
    max: Schema.optionalWith(Schema.Number, { exact: true }),
    activationScale: Schema.optionalWith(Schema.Number, { exact: true }),
    stableWindowMs: Schema.Number,
    panicWindowPercentage: Schema.optionalWith(Schema.Number, { exact: true }),
    panicThreshold: Schema.optionalWith(Schema.Number, { exact: true }),
    maxScaleUpRate: Schema.optionalWith(Schema.Number, { exact: true }),
    maxScaleDownRate: Schema.optionalWith(Schema.Number, { exact: true }),
    scaleDownDelayMs: Schema.optionalWith(Schema.Number, { exact: true }),
    targetBurstCapacity: Schema.optionalWith(Schema.Number, { exact: true }),
    reachable: Schema.Boolean
  }),
  resolved: Schema.Struct({
    targetValue: Schema.Number,
    totalValue: Schema.Number,
    panicThreshold: Schema.Number,
    panicWindowMs: Schema.Number
  }),
  startMs: Schema.Number,
  startReady: Schema.Number,
  sampleAt: Numbers,
  sampleValue: Numbers,
  tickAt: Numbers,
  samples: Numbers,
  observed: Numbers,
  flips: Numbers,
  ready: Numbers,
  desired: Numbers,
  excess: Numbers,
  modes: Schema.String
})
export type RecordedTrace = typeof RecordedTrace.Type

export interface RecordedTick {
  readonly nowMs: number
  readonly ready: number
  readonly flipsReachable: boolean
  /** Samples since the previous tick. */
  readonly samples: ReadonlyArray<{ readonly atMs: number; readonly concurrency: number }>
  /** The averages behind Knative's decisions, if they were recorded. */
  readonly observed: { readonly stable: number; readonly panic: number } | undefined
  readonly decision: string
}

/** Decisions as text, which makes differences readable. */
export const decisionText = (valid: boolean, panic: boolean, desired: number, excess: number): string =>
  valid ? `${panic ? "panic" : "stable"} desired=${desired} excess=${excess}` : "invalid"

/** All recorded traces, in the order of the file. */
export const readTraces = (): ReadonlyArray<RecordedTrace> => {
  const file = new URL("../../src/runtimes/local/autoscaler/recorded/decisions.jsonl.gz", import.meta.url)
  const decode = Schema.decodeUnknownSync(Schema.parseJson(RecordedTrace))
  return gunzipSync(readFileSync(file))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => decode(line))
}

/** Turns a trace's columns into its ticks. */
export const ticksOf = (trace: RecordedTrace): ReadonlyArray<RecordedTick> => {
  const ticks: Array<RecordedTick> = []
  let nowMs = trace.startMs
  let sampleMs = trace.startMs
  let sample = 0
  for (const [index, sinceMs] of trace.tickAt.entries()) {
    nowMs += sinceMs
    const samples: Array<{ readonly atMs: number; readonly concurrency: number }> = []
    for (const end = sample + at(trace.samples, index); sample < end; sample++) {
      sampleMs += at(trace.sampleAt, sample)
      samples.push({ atMs: sampleMs, concurrency: at(trace.sampleValue, sample) })
    }
    const mode = trace.modes[index]
    ticks.push({
      nowMs,
      ready: at(trace.ready, index),
      flipsReachable: trace.flips.includes(index),
      samples,
      observed:
        trace.observed.length === 0
          ? undefined
          : { stable: at(trace.observed, index * 2), panic: at(trace.observed, index * 2 + 1) },
      decision: decisionText(mode !== "i", mode === "p", at(trace.desired, index), at(trace.excess, index))
    })
  }
  return ticks
}

const at = (column: ReadonlyArray<number>, index: number): number => {
  const value = column[index]
  if (value === undefined) throw new Error(`the recording ends before row ${index}`)
  return value
}
