// Writes the services' usage since a time as CSV, with your own prices: `node report.ts [SINCE] > usage.csv`.
import { readFileSync } from "node:fs"
import { createClient } from "@maxcloud/sdk"

const { currency, perGibHour, perCpuHour } = JSON.parse(readFileSync(new URL("prices.json", import.meta.url), "utf8"))
const [since = "24h"] = process.argv.slice(2)

const client = createClient()
const report = await client.usage({ since })
await client.close()

/** Names contain no quotes and no commas, so they need no escaping. */
const line = (...cells: ReadonlyArray<string | number>) => console.log(cells.join(","))

line(
  "since",
  "until",
  "app",
  "stage",
  "service",
  "instances",
  "cpu_hours",
  "gib_hours",
  `cost_${currency.toLowerCase()}`
)
let total = 0
for (const { app, cpuSeconds, instances, memoryGibSeconds, service, stage } of report.services) {
  const cpuHours = cpuSeconds / 3600
  const gibHours = memoryGibSeconds / 3600
  const cost = cpuHours * perCpuHour + gibHours * perGibHour
  total += cost
  line(
    report.since,
    report.until,
    app,
    stage,
    service,
    instances,
    cpuHours.toFixed(4),
    gibHours.toFixed(4),
    cost.toFixed(4)
  )
}
console.error(`${report.services.length} services, ${total.toFixed(2)} ${currency}`)
