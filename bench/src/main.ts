/** Runs all benchmarks and writes docs/benchmarks.md; or the named ones, whose rows it writes with `--write`. Needs `dist/` of the server and the CLI. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { auditBenchmark } from "./audit.ts"
import { buildsBenchmark } from "./builds.ts"
import { cliBenchmark } from "./cli.ts"
import { clusterApplyBenchmark } from "./clusterApply.ts"
import { clusterLogsBenchmark } from "./clusterLogs.ts"
import { clusterNamespacesBenchmark } from "./clusterNamespaces.ts"
import { clusterReadyBenchmark } from "./clusterReady.ts"
import { clusterTrackingBenchmark } from "./clusterTracking.ts"
import { coldStartBenchmark } from "./coldStart.ts"
import { devBenchmark } from "./dev.ts"
import { followersBenchmark } from "./followers.ts"
import { isMissed } from "./goals.ts"
import type { Benchmark, Row } from "./measure.ts"
import { oneRequestBenchmark } from "./oneRequest.ts"
import { newPage, updatedPage } from "./page.ts"
import { proxyBenchmark } from "./proxy.ts"
import { serverBenchmark } from "./server.ts"
import { synthBenchmark } from "./synth.ts"

const all: ReadonlyArray<Benchmark> = [
  cliBenchmark,
  synthBenchmark,
  proxyBenchmark,
  coldStartBenchmark,
  serverBenchmark,
  oneRequestBenchmark,
  followersBenchmark,
  auditBenchmark,
  devBenchmark,
  buildsBenchmark,
  clusterApplyBenchmark,
  clusterReadyBenchmark,
  clusterTrackingBenchmark,
  clusterNamespacesBenchmark,
  clusterLogsBenchmark
]
// Cluster benchmarks print their own message if they're skipped.
process.env.MAXCLOUD_RUNTIME = "local"
const writes = process.argv.includes("--write")
const wanted = process.argv.slice(2).filter((argument) => argument !== "--write")
const chosen = wanted.length === 0 ? all : all.filter((each) => wanted.includes(each.name))
if (chosen.length === 0) {
  console.error(`Unknown benchmark. Use one of: ${all.map((each) => each.name).join(", ")}`)
  process.exit(2)
}

const rows: Array<readonly [Benchmark, ReadonlyArray<Row>]> = []
for (const benchmark of chosen) {
  console.log(`bench: ${benchmark.name} …`)
  const found = await benchmark.run()
  rows.push([benchmark, found])
  for (const row of found) {
    console.log(
      `  ${row.work}: ${row.ours}, ${row.peer}, ${row.ratio}${row.goal === "" ? "" : ` (goal ${row.goal}${isMissed(row) ? ", missed" : ""})`}`
    )
  }
}

const file = join(import.meta.dirname, "../../docs/benchmarks.md")
if (wanted.length === 0) writeFileSync(file, newPage(rows.flatMap(([, found]) => found)))
else if (writes) {
  const page = rows.reduce(
    (text, [benchmark, found]) => updatedPage(text, benchmark.rows, found),
    readFileSync(file, "utf8")
  )
  writeFileSync(file, page)
}
