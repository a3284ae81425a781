import type { Alert } from "./Alert.ts"
import { alerts } from "./rules.ts"

const marker = "<!-- Written by `npm run generate` from scripts/monitoring: change it there. -->"

/** The metrics of max-cloud in an expression, without the suffixes of a histogram's series. */
export const metricsIn = (expr: string): ReadonlyArray<string> => [
  ...new Set([...expr.matchAll(/\bmaxcloud_\w+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, "")))
]

const bullets = (lines: ReadonlyArray<string>) => lines.map((line) => `- ${line}`)
const steps = (lines: ReadonlyArray<string>) => lines.map((line, index) => `${index + 1}. ${line}`)

export const runbookOf = (alert: Alert): string =>
  [
    marker,
    "",
    `# ${alert.name}`,
    "",
    `**${alert.summary}** Severity: ${alert.severity}. It fires if this holds for ${alert.for}:`,
    "",
    "```text",
    alert.expr,
    "```",
    "",
    "## What it means",
    "",
    alert.means,
    "",
    "## Confirm it",
    "",
    ...bullets(alert.confirm),
    "",
    "## What to do",
    "",
    ...steps(alert.fix),
    "",
    `Metrics: ${metricsIn(alert.expr)
      .map((name) => `\`${name}\``)
      .join(", ")} ([reference](../reference/metrics.md)). [All runbooks](README.md).`,
    ""
  ].join("\n")

export const runbookIndex = (): string =>
  [
    marker,
    "",
    "# Runbooks",
    "",
    "A page for each alert of [monitoring/alerts.yaml](../monitoring.md#alerts): what it means, how to confirm it, and what to do.",
    "",
    "| alert | severity | meaning |",
    "| --- | --- | --- |",
    ...alerts.map(({ name, severity, summary }) => `| [${name}](${name}.md) | ${severity} | ${summary} |`),
    ""
  ].join("\n")
