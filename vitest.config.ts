import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig } from "vitest/config"
import { SlowFirst } from "./scripts/slowFirst.ts"
import { madeDatabaseVariable } from "./server/test/database/madeDatabase.ts"

const kind = process.env["MAXCLOUD_TESTS"] ?? "default"
const include: Record<string, ReadonlyArray<string>> = {
  default: ["**/*.test.ts"],
  cluster: ["**/*.cluster.test.ts"],
  long: ["**/*.long.test.ts"]
}

export default defineConfig({
  test: {
    include: [...(include[kind] ?? [])],
    exclude: [
      "**/node_modules/**",
      "**/dist/**",
      ...(kind === "default" ? ["**/*.cluster.test.ts", "**/*.long.test.ts"] : [])
    ],
    pool: "forks",
    sequence: { sequencer: SlowFirst },
    globalSetup: kind === "cluster" ? [] : ["server/test/database/setup.ts"],
    // A cluster has room for the instances of one file at a time, and its verdicts are timed. Other tests wait for half of their time.
    maxWorkers: kind === "cluster" ? 1 : kind === "long" ? 2 : 3,
    minWorkers: 1,
    env:
      kind === "cluster"
        ? {}
        : {
            // A kubeconfig that lies about is not meant by tests of this machine.
            MAXCLOUD_RUNTIME: "local",
            [madeDatabaseVariable]: join(tmpdir(), `maxcloud-database-${process.pid}`)
          },
    // The machine that runs the cluster's tests is often the cluster too, and CI's machines are shared: a test that came too late is
    // tried once more, and the report names it.
    retry: kind === "cluster" || process.env["CI"] === "true" ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 120_000
  }
})
