/** A chart of one or more series. */
export interface Panel {
  readonly title: string
  readonly description: string
  /** Grafana's unit. */
  readonly unit: "short" | "s" | "percentunit" | "reqps" | "bytes" | "Bps" | "dateTimeFromNow"
  readonly kind?: "timeseries" | "stat"
  /** PromQL, by legend. */
  readonly queries: Readonly<Record<string, string>>
}

export interface Row {
  readonly title: string
  readonly panels: ReadonlyArray<Panel>
}

export interface Variable {
  readonly name: string
  readonly label: string
  /** PromQL of Grafana's `label_values`. */
  readonly query: string
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables: ReadonlyArray<Variable>
  readonly rows: ReadonlyArray<Row>
}

const width = 8
const height = 8
const perLine = 24 / width
const source = { type: "prometheus", uid: "$datasource" }

const panelJson = (panel: Panel, id: number, x: number, y: number) => ({
  id,
  type: panel.kind ?? "timeseries",
  title: panel.title,
  description: panel.description,
  datasource: source,
  gridPos: { h: height, w: width, x, y },
  fieldConfig: { defaults: { unit: panel.unit, min: panel.unit === "dateTimeFromNow" ? undefined : 0 }, overrides: [] },
  targets: Object.entries(panel.queries).map(([legendFormat, expr], index) => ({
    refId: String.fromCharCode(65 + index),
    datasource: source,
    expr,
    legendFormat
  }))
})

const variableJson = ({ label, name, query }: Variable) => ({
  type: "query",
  name,
  label,
  datasource: source,
  definition: query,
  query: { query, refId: name },
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  allValue: ".+",
  current: { text: ["All"], value: ["$__all"] }
})

/** Grafana's JSON (schema 39, Grafana 10 and later), ready to import or provision. */
export const dashboardJson = ({ description, rows, title, uid, variables }: Dashboard): string => {
  const panels: Array<unknown> = []
  let y = 0
  let id = 1
  for (const row of rows) {
    panels.push({
      id: id++,
      type: "row",
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: { h: 1, w: 24, x: 0, y }
    })
    y++
    for (const [index, panel] of row.panels.entries()) {
      panels.push(panelJson(panel, id++, (index % perLine) * width, y + Math.floor(index / perLine) * height))
    }
    y += Math.ceil(row.panels.length / perLine) * height
  }
  const dashboard = {
    uid,
    title,
    description,
    tags: ["max-cloud"],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    timezone: "browser",
    templating: {
      list: [
        { type: "datasource", name: "datasource", label: "Prometheus", query: "prometheus", current: {} },
        ...variables.map(variableJson)
      ]
    },
    annotations: { list: [] },
    panels
  }
  return `${JSON.stringify(dashboard, undefined, 2)}\n`
}

/** An expression that Prometheus can parse: Grafana replaces these variables before it asks. */
export const plainExpr = (expr: string): string =>
  expr.replaceAll("$__rate_interval", "5m").replace(/\$\{?\w+\}?/g, ".+")
