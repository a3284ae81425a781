/** Runs all benchmarks, or the named ones, and writes docs/benchmarks.md. Needs `dist/` of the server and the CLI. */
import { writeFileSync } from "node:fs"
import { availableParallelism, cpus, totalmem } from "node:os"
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
import { isMissed, rowLine } from "./goals.ts"
import type { Benchmark, Row } from "./measure.ts"
import { oneRequestBenchmark } from "./oneRequest.ts"
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
const wanted = process.argv.slice(2)
const chosen = wanted.length === 0 ? all : all.filter((each) => wanted.includes(each.name))
if (chosen.length === 0) {
  console.error(`Unknown benchmark. Use one of: ${all.map((each) => each.name).join(", ")}`)
  process.exit(2)
}

const rows: Array<Row> = []
for (const benchmark of chosen) {
  console.log(`bench: ${benchmark.name} …`)
  for (const row of await benchmark.run()) {
    rows.push(row)
    console.log(
      `  ${row.work}: ${row.ours}, ${row.peer}, ${row.ratio}${row.goal === "" ? "" : ` (goal ${row.goal}${isMissed(row) ? ", missed" : ""})`}`
    )
  }
}

if (wanted.length === 0) {
  const table = rows.map(rowLine)
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  writeFileSync(
    join(import.meta.dirname, "../../docs/benchmarks.md"),
    `# Benchmarks

\`\`\`sh
npm run bench
\`\`\`

Medians of interleaved runs on one machine (${machine}). Only the ratios apply to other machines. \`npm run bench\` writes this page; its measurements on a cluster need \`KUBECONFIG\` and kubectl, that of 2,000 namespaces \`KUBEBUILDER_ASSETS\` (a folder with etcd and kube-apiserver). A goal that a row doesn't reach is marked as **missed**.

| work | max-cloud | peer | ratio | goal |
|---|---|---|---|---|
${table.join("\n")}
`
  )
}
