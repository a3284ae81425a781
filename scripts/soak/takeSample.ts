import { execFile } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { promisify } from "node:util"
import { askDatabase } from "../../server/test/database/askDatabase.ts"
import { residentBytes, type ServerProcess } from "../../server/test/serverProcess.ts"
import { processesOfRun } from "../kills/strays.ts"
import type { Sample } from "./Sample.ts"

const mebibyte = 2 ** 20

/** Proportional memory: in the sum, pages that processes share count once (Linux). */
const proportionalBytes = (pid: number): number => {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

const percentile = (sorted: ReadonlyArray<number>, part: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 10) / 10

const diskMiB = async (folder: string): Promise<number> => {
  // If a file disappears during the count, `du` exits with an error.
  const output = await promisify(execFile)("du", ["-sk", folder]).then(
    ({ stdout }) => stdout,
    (error: { readonly stdout?: string }) => error.stdout ?? ""
  )
  return Number.parseInt(output, 10) / 1024
}

const rounded = (value: number) => Math.round(value * 10) / 10

/** Measures a running server. `latencies`: of the requests since the last sample, in milliseconds. */
export const takeSample = async (
  server: ServerProcess,
  { latencies, marker, second }: { latencies: ReadonlyArray<number>; marker: string; second: number }
): Promise<Sample> => {
  const processes = processesOfRun(server, marker)
  const [database] = await askDatabase(
    server.dataDirectory,
    `select pg_database_size(current_database())::float8 as bytes,
      (select coalesce(sum(n_live_tup), 0)::float8 from pg_stat_user_tables) as rows`
  )
  const sorted = [...latencies].sort((a, b) => a - b)
  const ofDatabase = processes.filter((each) => each.of === "database")
  return {
    second: Math.round(second),
    serverMiB: rounded(residentBytes(server.pid) / mebibyte),
    databaseMiB: rounded(ofDatabase.reduce((sum, { pid }) => sum + proportionalBytes(pid), 0) / mebibyte),
    descriptors: readdirSync(`/proc/${server.pid}/fd`).length,
    rows: Number(database?.rows),
    databaseSizeMiB: rounded(Number(database?.bytes) / mebibyte),
    diskMiB: rounded(await diskMiB(server.dataDirectory)),
    instances: new Set(processes.filter((each) => each.of === "instance").map((each) => each.group)).size,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99)
  }
}
