import { describe, expect, it } from "@effect/vitest"
import { Effect, Scope } from "effect"
import { metricNames, metricRow } from "./metricTable.ts"
import { adjust, count, countedSoFar, observe, renderProcessMetrics, report, startAtZero } from "./processMetrics.ts"

const rendered = Effect.promise(renderProcessMetrics)
const samplesOf = (name: string) =>
  Effect.map(rendered, (text) => text.split("\n").filter((line) => new RegExp(`^${name}[ {]`).test(line)))

describe("the metrics of this process", () => {
  it.effect("counts from 0 for the known values of a label, so that a rate sees the first one", () =>
    Effect.gen(function* () {
      startAtZero("maxcloud_drift_found_total")
      expect(yield* samplesOf("maxcloud_drift_found_total")).toStrictEqual([
        'maxcloud_drift_found_total{change="edited"} 0',
        'maxcloud_drift_found_total{change="deleted"} 0'
      ])
      count("maxcloud_drift_found_total", { change: "edited" })
      count("maxcloud_drift_found_total", { change: "edited" }, 2)
      expect(yield* Effect.promise(() => countedSoFar("maxcloud_drift_found_total", { change: "edited" }))).toBe(3)
      expect(yield* Effect.promise(() => countedSoFar("maxcloud_drift_found_total", { change: "deleted" }))).toBe(0)
    })
  )

  it.effect("combines a gauge's reports as its row says, and leaves it out if nobody reports it", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const tell = (values: ReadonlyArray<number>) =>
        Effect.forEach(values, (value) =>
          Effect.all([
            report("maxcloud_watches", () => [{ labels: { kind: "pods" }, value }]),
            report("maxcloud_watch_age_seconds", () => [{ labels: { kind: "pods" }, value }]),
            report("maxcloud_cluster_reachable", () => [{ labels: {}, value }])
          ])
        )
      yield* Scope.extend(tell([1, 0, 5]), scope)
      expect(yield* samplesOf("maxcloud_watches")).toStrictEqual(['maxcloud_watches{kind="pods"} 6'])
      expect(yield* samplesOf("maxcloud_watch_age_seconds")).toStrictEqual([
        'maxcloud_watch_age_seconds{kind="pods"} 5'
      ])
      expect(yield* samplesOf("maxcloud_cluster_reachable")).toStrictEqual(["maxcloud_cluster_reachable 0"])
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      expect(yield* samplesOf("maxcloud_watches")).toStrictEqual([])
      expect(yield* samplesOf("maxcloud_cluster_reachable")).toStrictEqual([])
    })
  )

  it.effect("measures durations in the row's buckets, and counts what's in progress", () =>
    Effect.gen(function* () {
      observe("maxcloud_reconcile_duration_seconds", {}, 0.03)
      const buckets = yield* samplesOf("maxcloud_reconcile_duration_seconds_bucket")
      expect(buckets).toHaveLength((metricRow("maxcloud_reconcile_duration_seconds").buckets?.length ?? 0) + 1)
      expect(buckets.slice(0, 3).map((line) => line.split(" ")[1])).toStrictEqual(["0", "0", "1"])
      adjust("maxcloud_leases_held", { work: "test" }, 1)
      adjust("maxcloud_leases_held", { work: "test" }, 1)
      adjust("maxcloud_leases_held", { work: "test" }, -1)
      expect(yield* samplesOf("maxcloud_leases_held")).toStrictEqual(['maxcloud_leases_held{work="test"} 1'])
    })
  )
})

describe("the table of metrics", () => {
  it.each(metricNames.map((name) => [name, metricRow(name)] as const))("%s follows Prometheus's rules", (name, row) => {
    expect(name).toMatch(/^maxcloud_[a-z]+(_[a-z]+)*$/)
    expect(name.endsWith("_total")).toBe(row.type === "counter")
    if (/_(age|duration|oldest|lag)(_|$)/.test(name)) expect(name).toMatch(/_seconds$/)
    expect(name).not.toMatch(/_(ms|millis|milliseconds|minutes|count|sum|bucket)$/)
    expect(row.help).toMatch(/\.$/)
    expect(row.buckets !== undefined).toBe(row.type === "histogram")
    expect([...(row.buckets ?? [])].sort((a, b) => a - b)).toStrictEqual([...(row.buckets ?? [])])
    // A tenant in a label would make a series for each.
    for (const label of row.labels) expect(label).not.toMatch(/org|tenant|namespace|app|service|user|deployment/)
    if (row.known !== undefined) {
      expect(row.labels).toHaveLength(1)
      const described = [...row.help.matchAll(/`([a-z]+)`/g)].map(([, value]) => value)
      if (described.length > 0) expect(described.sort()).toStrictEqual([...row.known].sort())
    }
  })
})
