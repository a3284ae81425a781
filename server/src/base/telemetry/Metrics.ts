import { Context, Layer } from "effect"
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client"

/** A gauge that is read on demand: label values to number. */
export interface GaugeReading {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

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
    readonly gauge: (options: {
      readonly name: string
      readonly help: string
      readonly labelNames: ReadonlyArray<string>
      readonly read: () => Promise<ReadonlyArray<GaugeReading>>
    }) => void
    /** Adds a counter that's counted elsewhere and copied at each scrape: `read` returns its total. */
    readonly counter: (options: { readonly name: string; readonly help: string; readonly read: () => number }) => void
    /** Prometheus's text format. */
    readonly contentType: string
    readonly render: () => Promise<string>
  }
>() {
  static readonly layer = Layer.sync(Metrics, () => {
    const registry = new Registry()
    collectDefaultMetrics({ register: registry })
    const requests = new Counter({
      name: "maxcloud_http_requests_total",
      help: "API requests answered, by route and status.",
      labelNames: ["method", "route", "status"],
      registers: [registry]
    })
    const seconds = new Histogram({
      name: "maxcloud_http_request_duration_seconds",
      help: "Time from an API request's arrival to the head of its answer.",
      labelNames: ["method", "route"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry]
    })
    return Metrics.of({
      request: (request) => {
        requests.inc({ method: request.method, route: request.route, status: String(request.status) })
        seconds.observe({ method: request.method, route: request.route }, request.seconds)
      },
      gauge: ({ help, labelNames, name, read }) => {
        const gauge = new Gauge({
          name,
          help,
          labelNames: [...labelNames],
          registers: [registry],
          collect: async () => {
            gauge.reset()
            const readings = await read().catch((): ReadonlyArray<GaugeReading> => [])
            for (const { labels, value } of readings) gauge.set({ ...labels }, value)
          }
        })
      },
      counter: ({ help, name, read }) => {
        const counter = new Counter({
          name,
          help,
          registers: [registry],
          collect: () => {
            counter.reset()
            counter.inc(read())
          }
        })
      },
      contentType: registry.contentType,
      render: () => registry.metrics()
    })
  })
}
