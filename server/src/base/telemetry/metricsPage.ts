import { type MetricRow, metricNames, metricRow } from "./metricTable.ts"

const ofRow = ({ of, runtime }: MetricRow) =>
  `${of.join(", ")}${runtime === undefined ? "" : runtime === "local" ? " (local runtime)" : " (Kubernetes)"}`

/** `docs/reference/metrics.md`, from the table of metrics. */
export const metricsPage = (): string =>
  [
    "<!-- Written by `npm run generate` from server/src/base/telemetry/metricTable.ts: change it there. -->",
    "",
    "# Metrics",
    "",
    "The server answers `GET /metrics` in Prometheus's text format, and so does [the gateway](../monitoring.md#scrape-the-gateway) on its own port.",
    "No metric names an organization, an app or a service, so the number of series doesn't grow with tenants. Beside these, both report Node's and the",
    "process's standard metrics (`process_…`, `nodejs_…`). [Monitoring](../monitoring.md) has alerts and dashboards for them.",
    "",
    "| metric | type | labels | of | meaning |",
    "| --- | --- | --- | --- | --- |",
    ...metricNames.map((name) => {
      const row = metricRow(name)
      const labels = row.labels.map((label) => `\`${label}\``).join(", ")
      return `| \`${name}\` | ${row.type} | ${labels} | ${ofRow(row)} | ${row.help} |`
    }),
    "",
    "Counters start at 0 when the process starts. A gauge that can't be read right now is left out.",
    ""
  ].join("\n")
