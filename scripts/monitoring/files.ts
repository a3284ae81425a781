import { type Dashboard, dashboardJson } from "./dashboards.ts"
import { operatorDashboard } from "./operatorDashboard.ts"
import { alerts, rulesFile, rulesTestFile } from "./rules.ts"
import { runbookIndex, runbookOf } from "./runbooks.ts"
import { tenantDashboard } from "./tenantDashboard.ts"

export const dashboards: Readonly<Record<string, Dashboard>> = { operator: operatorDashboard, tenant: tenantDashboard }

/** Every generated file, by its path in the repository. */
export const monitoringFiles = (): Readonly<Record<string, string>> => ({
  "monitoring/alerts.yaml": rulesFile(),
  "monitoring/alerts.test.yaml": rulesTestFile(),
  "docs/runbooks/README.md": runbookIndex(),
  ...Object.fromEntries(
    Object.entries(dashboards).map(([name, dashboard]) => [
      `monitoring/${name}.dashboard.json`,
      dashboardJson(dashboard)
    ])
  ),
  ...Object.fromEntries(alerts.map((alert) => [`docs/runbooks/${alert.name}.md`, runbookOf(alert)]))
})
