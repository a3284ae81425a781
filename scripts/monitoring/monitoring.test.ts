import { spawn } from "node:child_process"
import { globSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { stringify } from "yaml"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { metricNames } from "../../server/src/base/telemetry/metricTable.ts"
import { missingTools } from "../../server/test/registry/missingTools.ts"
import { plainExpr } from "./dashboards.ts"
import { dashboards, monitoringFiles } from "./files.ts"
import { foreignMetrics } from "./foreignMetrics.ts"
import { alerts, rulesFile } from "./rules.ts"
import { metricsIn } from "./runbooks.ts"
import { tenantDashboard } from "./tenantDashboard.ts"

const root = join(import.meta.dirname, "../..")
const known: ReadonlySet<string> = new Set([...metricNames, ...Object.keys(foreignMetrics)])
const needsPromtool = describe.skipIf(missingTools("alerts", "promtool").length > 0)

const promtool = (...args: ReadonlyArray<string>) =>
  new Promise<{ readonly status: number | null; readonly text: string }>((resolve, reject) => {
    const child = spawn("promtool", args, { stdio: ["ignore", "pipe", "pipe"] })
    let text = ""
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (piece) => (text += piece))
    child.on("error", reject).on("close", (status) => resolve({ status, text }))
  })

/** What isn't a name of a metric: selectors, ranges, lists of labels. */
const others = /\{[^}]*\}|\[[^\]]*\]|\b(?:by|on)\s*\([^)]*\)/g
const seriesName = /\b[a-z]+_\w+\b(?!\s*\()/g
const metricOf = (series: string) => (known.has(series) ? series : series.replace(/_(?:bucket|sum|count)$/, ""))
const allMetricsIn = (expr: string) => [
  ...new Set((expr.replace(others, " ").match(seriesName) ?? []).map((series) => metricOf(series)))
]

const queriesOf = (dashboard: (typeof dashboards)[string]) =>
  dashboard.rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => Object.values(queries)))

describe("the alerts", () => {
  it("are generated, with their runbooks and dashboards (`npm run generate`)", () => {
    const files = monitoringFiles()
    for (const [path, text] of Object.entries(files)) expect(readFileSync(join(root, path), "utf8"), path).toBe(text)
    const found = globSync(["monitoring/*", "docs/runbooks/*"], { cwd: root })
    expect(found.sort()).toStrictEqual(Object.keys(files).sort())
  })

  it("use only metrics of the table, each has a page, and each page's alert exists", () => {
    const names = alerts.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const { expr, name } of alerts) {
      expect(name).toMatch(/^Maxcloud[A-Z][A-Za-z]+$/)
      expect(metricsIn(expr).length, name).toBeGreaterThan(0)
      for (const metric of metricsIn(expr)) expect(metricNames, name).toContain(metric)
      expect(rulesFile()).toContain(`/runbooks/${name}.html`)
    }
    const pages = globSync("docs/runbooks/Maxcloud*.md", { cwd: root }).map((path) =>
      path.slice("docs/runbooks/".length, -3)
    )
    expect(pages.sort()).toStrictEqual([...names].sort())
  })

  it("cover every metric that says whether something works", () => {
    const alerted = new Set(alerts.flatMap(({ expr }) => metricsIn(expr)))
    // These describe load, or the state behind another metric with an alert.
    const described = [
      "maxcloud_build_info",
      "maxcloud_cold_start_seconds_total",
      "maxcloud_cold_starts_total",
      "maxcloud_deployments",
      "maxcloud_instances",
      "maxcloud_proxy_requests_active",
      "maxcloud_proxy_requests_held",
      "maxcloud_proxy_requests_total",
      "maxcloud_proxy_responses_total",
      "maxcloud_proxy_retries_total",
      "maxcloud_services"
    ]
    expect(metricNames.filter((name) => !alerted.has(name)).sort()).toStrictEqual(described)
  })
})

describe("the dashboards", () => {
  it("use only metrics that exist, and the operator's shows every one of max-cloud", () => {
    for (const dashboard of Object.values(dashboards)) {
      for (const query of queriesOf(dashboard)) {
        const metrics = allMetricsIn(query)
        expect(metrics.length, query).toBeGreaterThan(0)
        for (const metric of metrics) expect([...known], query).toContain(metric)
      }
    }
    const shown = new Set(Object.values(dashboards).flatMap((one) => queriesOf(one).flatMap(allMetricsIn)))
    expect(metricNames.filter((name) => !shown.has(name))).toStrictEqual([])
    expect(Object.keys(foreignMetrics).filter((name) => !shown.has(name))).toStrictEqual([])
  })

  it("show a tenant nothing without its namespaces", () => {
    const queries = queriesOf(tenantDashboard)
    expect(queries.length).toBeGreaterThan(10)
    for (const query of queries) {
      const series = query.match(/\b(?:kn|container)_\w+(?:\{[^}]*\})?/g) ?? []
      const selected = series.filter((one) => known.has(metricOf(one.replace(/\{.*/, ""))))
      expect(selected.length, query).toBeGreaterThan(0)
      for (const one of selected) expect(one).toMatch(/[{,](?:k8s_namespace_name|namespace)=~"\$namespace"/)
    }
  })
})

needsPromtool("promtool", () => {
  it("accepts the rules", async () => {
    const { status, text } = await promtool(
      "check",
      "rules",
      "--lint=all",
      "--lint-fatal",
      join(root, "monitoring/alerts.yaml")
    )
    expect(text).toContain(`SUCCESS: ${alerts.length} rules found`)
    expect(status).toBe(0)
  })

  it("sees each alert fire on its series, and stay quiet on similar ones", { timeout: 120_000 }, async () => {
    const { status, text } = await promtool("test", "rules", join(root, "monitoring/alerts.test.yaml"))
    expect(text).toContain("SUCCESS")
    expect(status).toBe(0)
  })

  it("parses every query of the dashboards", async () => {
    const folder = temporaryFolder("monitoring-")
    const file = join(folder, "queries.yaml")
    const queries = Object.values(dashboards).flatMap(queriesOf)
    const rules = queries.map((query, index) => ({ record: `query:${index}`, expr: plainExpr(query) }))
    writeFileSync(file, stringify({ groups: [{ name: "queries", rules }] }))
    const { status, text } = await promtool("check", "rules", file)
    expect(text).toContain(`SUCCESS: ${queries.length} rules found`)
    expect(status).toBe(0)
  })
})
