import { Metric, MetricState } from "effect"

/** The counts of an Effect counter of this process, by the value of one of its labels. */
export const countsOf = (name: string, label: string): ReadonlyMap<string, number> =>
  new Map(
    Metric.unsafeSnapshot().flatMap(({ metricKey, metricState }) => {
      const found = metricKey.tags.find(({ key }) => key === label)
      return metricKey.name === name && found !== undefined && MetricState.isCounterState(metricState)
        ? [[found.value, Number(metricState.count)] as const]
        : []
    })
  )
