import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig, type TestProjectConfiguration } from "vitest/config"
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
/** How many files run at once. Most tests wait half of their time. */
const workers: Record<string, number> = { default: 4, images: 3, cluster: 2, long: 2, clients: 1 }

/**
 * Tests of a cluster that mostly wait, and change nothing but namespaces of their own: two at once. The others run one after the other
 * afterwards, because slowness changes verdicts and some change the whole cluster.
 */
const waiting = ["serviceEvents", "ownPulls", "erasure", "outages", "unreachable", "manifests", "grace", "rollout"].map(
  (name) => `server/test/cluster/${name}.cluster.test.ts`
)
const projects: Array<TestProjectConfiguration> = [
  { extends: true, test: { name: "waiting", include: waiting } },
  {
    extends: true,
    test: {
      name: "alone",
      include: ["**/*.cluster.test.ts"],
      exclude: waiting,
      poolOptions: { forks: { singleFork: true } },
      sequence: { groupOrder: 1 }
    }
  }
]

export default defineConfig({
  plugins: [testLibraries()],
  test: {
    ...(kind === "cluster" ? { projects } : { include: [include[kind] ?? kind] }),
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
