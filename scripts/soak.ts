/**
 * Runs a server under a typical load for half an hour, and draws its memory, descriptors, database, disk and latency:
 * `docs/reliability/soak.json` and `soak.svg`. `npm run test:soak -- --minutes 5` only prints the results.
 */
import { randomUUID } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { Schema } from "effect"
import { freePort } from "../server/test/freePort.ts"
import { ServerProcess } from "../server/test/serverProcess.ts"
import { startTestNpmRegistry } from "../server/test/sources/testNpmRegistry.ts"
import { measuredHere } from "./reliability/machine.ts"
import { startLoad } from "./soak/load.ts"
import { pictureOf } from "./soak/picture.ts"
import { type Sample, SoakFile } from "./soak/Sample.ts"
import { makeProject } from "./soak/sources.ts"
import { takeSample } from "./soak/takeSample.ts"

const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" }, out: { type: "string" } } })
const minutes = Number(values.minutes)
if (!(minutes > 0 && minutes <= 240)) throw new Error(`--minutes: "${values.minutes}" isn't a number up to 240.`)
const sampleMs = Math.max(2_000, (minutes * 60_000) / 180)
const folder = values.out ?? join(import.meta.dirname, "../docs/reliability")
const writes = minutes >= 30 || values.out !== undefined

const marker = `soak-${randomUUID()}`
const registry = await startTestNpmRegistry()
const project = makeProject(registry)
const passing = makeProject(registry)
const server = new ServerProcess(
  await freePort(),
  {
    MAXCLOUD_QUOTA_DEPLOYMENTS_PER_HOUR: "none",
    MAXCLOUD_RATE_LIMIT: "1000000",
    MAXCLOUD_RUNTIME: "local",
    npm_config_registry: registry.url
  },
  join(import.meta.dirname, "kills/builtServer.mjs")
)
const samples: Array<Sample> = []
let faults = 0
try {
  await server.start()
  const load = startLoad(server, project, passing, marker)
  await load.begin()
  const begun = performance.now()
  const seconds = () => (performance.now() - begun) / 1_000
  while (seconds() < minutes * 60) {
    await sleep(sampleMs)
    const sample = await takeSample(server, { latencies: load.takeLatencies(), marker, second: seconds() })
    samples.push(sample)
    console.log(JSON.stringify(sample))
  }
  await load.stop()
  const { failures, totals } = load
  faults = failures.length
  console.log(JSON.stringify({ totals, failures }, undefined, 2))
  if (writes) {
    const soak = { ...measuredHere(), minutes, totals, failures, samples }
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, "soak.json"), `${Schema.encodeSync(SoakFile)(soak)}\n`)
    writeFileSync(join(folder, "soak.svg"), pictureOf(soak))
  }
} finally {
  await server.end("SIGTERM")
  server.remove()
  project.remove()
  passing.remove()
  await registry.close()
}
process.exitCode = faults === 0 ? 0 : 1
