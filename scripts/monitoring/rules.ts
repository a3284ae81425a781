import { stringify } from "yaml"
import type { Alert, Series } from "./Alert.ts"
import { clusterAlerts } from "./clusterAlerts.ts"
import { serverAlerts } from "./serverAlerts.ts"

export const alerts: ReadonlyArray<Alert> = [...serverAlerts, ...clusterAlerts]

/** The address at which the operator serves the documentation. */
export const docsUrl = "https://docs.example.com/max-cloud"

const head = (what: string) => `# Written by \`npm run generate\` from scripts/monitoring: change it there.\n${what}`

const annotationsOf = ({ name, summary }: Alert) => ({ summary, runbook_url: `${docsUrl}/runbooks/${name}.html` })

const groupOf = (name: string, some: ReadonlyArray<Alert>) => ({
  name,
  rules: some.map((alert) => ({
    alert: alert.name,
    expr: alert.expr,
    for: alert.for,
    labels: { severity: alert.severity },
    annotations: annotationsOf(alert)
  }))
})

const yaml = (value: unknown) => stringify(value, { lineWidth: 0 })

/** Prometheus's rules. */
export const rulesFile = (): string =>
  head(`# \`sed 's|${docsUrl}|URL|'\` puts in the address at which you serve the documentation (\`npm run docs\`).\n`) +
  yaml({ groups: [groupOf("maxcloud", serverAlerts), groupOf("maxcloud-cluster", clusterAlerts)] })

const seriesOf = (series: Series) => Object.entries(series).map(([name, values]) => ({ series: name, values }))

const testOf = (alert: Alert, what: "fires" | "quiet") => ({
  name: `${alert.name} ${what === "fires" ? "fires" : "stays quiet"}`,
  interval: "1m",
  input_series: seriesOf(alert[what]),
  alert_rule_test: [
    {
      eval_time: "90m",
      alertname: alert.name,
      exp_alerts:
        what === "quiet"
          ? []
          : [
              {
                exp_labels: { severity: alert.severity, ...alert.labels },
                exp_annotations: annotationsOf(alert)
              }
            ]
    }
  ]
})

/** What `promtool test rules` reads: each alert fires on its series, and doesn't on similar ones. */
export const rulesTestFile = (): string =>
  head("") +
  yaml({
    rule_files: ["alerts.yaml"],
    evaluation_interval: "1m",
    tests: alerts.flatMap((alert) => [testOf(alert, "fires"), testOf(alert, "quiet")])
  })
