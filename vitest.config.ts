import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig } from "vitest/config"
import { bundleFolder, bundleVariable } from "./cli/test/bundleFolder.ts"
import { SlowFirst } from "./scripts/slowFirst.ts"
import { testLibraries } from "./scripts/testLibraries.ts"
import { madeDatabaseVariable } from "./server/test/database/madeDatabase.ts"

const kind = process.env["MAXCLOUD_TESTS"] ?? "default"
const include: Record<string, string> = {
  default: "**/*.test.ts",
  images: "**/*.images.test.ts",
  cluster: "**/*.cluster.test.ts",
  long: "**/*.long.test.ts",
  clients: "**/*.clients.test.ts"
}
/** How many files run at once. A cluster has room for one file's instances, and slowness changes its verdicts. Other tests wait half of their time. */
const workers: Record<string, number> = { default: 4, images: 3, cluster: 1, long: 2, clients: 1 }

export default defineConfig({
  plugins: [testLibraries()],
  test: {
    include: [include[kind] ?? kind],
    // The example is a separate project that runs its tests by `node --test`.
    exclude: [
      "**/node_modules/**",
      "**/dist/**",
      "examples/integration-test/**",
      ...(kind === "default" ? Object.values(include).slice(1) : [])
    ],
    server: { deps: { external: [/\.test-libraries/] } },
    pool: "forks",
    sequence: { sequencer: SlowFirst },
    globalSetup: ["cli/test/setup.ts", ...(kind === "cluster" ? [] : ["server/test/database/setup.ts"])],
    maxWorkers: workers[kind] ?? 2,
    minWorkers: 1,
    env: {
      [bundleVariable]: bundleFolder(),
      ...(kind === "cluster"
        ? {}
        : {
            // Tests of this machine ignore an existing kubeconfig.
            MAXCLOUD_RUNTIME: "local",
            [madeDatabaseVariable]: join(tmpdir(), `maxcloud-database-${process.pid}`)
          })
    },
    // The machine that runs the cluster's tests is often the cluster too, and CI's machines are shared. Retry a test that timed out once;
    // the report names it.
    retry: kind === "cluster" || process.env["CI"] === "true" ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 120_000
  }
})
