import { Context, Layer } from "effect"
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client"
import { type CounterName, type GaugeName, type MetricName, metricRow } from "./metricTable.ts"
import { type Reading, renderProcessMetrics } from "./processMetrics.ts"

/** The metrics of one server, in a registry of its own, because several servers may run in a process. */
export class Metrics extends Context.Tag("@maxcloud/server/Metrics")<
  Metrics,
  {
    /** One answered API request. `route` is the pattern of its path, which keeps the cardinality low. */
    readonly request: (request: {
      readonly method: string
      readonly route: string
      readonly status: number
      readonly seconds: number
    }) => void
    /** Adds a gauge: each scrape calls `read`. Values that it can't read right now are left out. */
    readonly gauge: <N extends GaugeName>(name: N, read: () => Promise<ReadonlyArray<Reading<N>>>) => void
    /** Adds a counter that's counted elsewhere and copied at each scrape: `read` returns its totals. */
    readonly counter: <N extends CounterName>(name: N, read: () => ReadonlyArray<Reading<N>>) => void
    /** Prometheus's text format, with the metrics of this process. */
    readonly contentType: string
    readonly render: () => Promise<string>
  }
>() {
  static readonly layer = Layer.sync(Metrics, () => {
    const registry = new Registry()
    collectDefaultMetrics({ register: registry })
    const optionsOf = (name: MetricName) => {
      const { help, labels } = metricRow(name)
      return { name, help, labelNames: [...labels], registers: [registry] }
    }
    const requests = new Counter(optionsOf("maxcloud_http_requests_total"))
    const seconds = new Histogram({
      ...optionsOf("maxcloud_http_request_duration_seconds"),
      buckets: [...(metricRow("maxcloud_http_request_duration_seconds").buckets ?? [])]
    })
    return Metrics.of({
      request: (request) => {
        requests.inc({ method: request.method, route: request.route, status: String(request.status) })
        seconds.observe({ method: request.method, route: request.route }, request.seconds)
      },
      gauge: (name, read) => {
        const gauge = new Gauge({
          ...optionsOf(name),
          collect: async () => {
            const readings = await read().catch((): Awaited<ReturnType<typeof read>> => [])
            gauge.reset()
            // Without labels, a reset gauge is 0, which would be a lie.
            if (readings.length === 0 && metricRow(name).labels.length === 0) gauge.remove()
            for (const { labels, value } of readings) gauge.set({ ...labels }, value)
          }
        })
      },
      counter: (name, read) => {
        const counter = new Counter({
          ...optionsOf(name),
          collect: () => {
            counter.reset()
            for (const { labels, value } of read()) counter.inc({ ...labels }, value)
          }
        })
      },
      contentType: registry.contentType,
      render: async () => `${await registry.metrics()}${await renderProcessMetrics()}`
    })
  })
}
