import { globSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config"
import { bundleFolder, bundleVariable } from "./cli/test/bundleFolder.ts"
import { sharesThread } from "./scripts/sharesThread.ts"
import { SlowFirst } from "./scripts/slowFirst.ts"
import { madeDatabaseVariable } from "./server/test/database/madeDatabase.ts"

const kind = process.env["MAXCLOUD_TESTS"] ?? "default"
const include: Record<string, string> = {
  default: "**/*.test.ts",
  images: "**/*.images.test.ts",
  cluster: "**/*.cluster.test.ts",
  long: "**/*.long.test.ts",
  clients: "**/*.clients.test.ts"
}
/** How many files run at once. A cluster has room for the instances of one, and its verdicts are timed. Other tests wait for half of their time. */
const workers: Record<string, number> = { default: 3, images: 3, cluster: 1, long: 2, clients: 1 }

// The example is a project of its own, which runs its tests by `node --test`.
const exclude = [
  "**/node_modules/**",
  "**/dist/**",
  "examples/integration-test/**",
  ...(kind === "default" ? Object.values(include).slice(1) : [])
]

const globalSetup = ["cli/test/setup.ts", ...(kind === "cluster" ? [] : ["server/test/database/setup.ts"])]

/** Files that need no process of their own run in one thread, beside the others. */
const projects = (): Array<TestProjectInlineConfiguration> => {
  const shared = globSync("**/*.test.ts", { cwd: import.meta.dirname, exclude }).filter((file) =>
    sharesThread(join(import.meta.dirname, file))
  )
  return [
    {
      extends: true,
      test: { name: "processes", include: ["**/*.test.ts"], exclude: [...exclude, ...shared], globalSetup }
    },
    { extends: true, test: { name: "thread", pool: "threads", include: shared, exclude } }
  ]
}

export default defineConfig({
  test: {
    // A project's lists would be added to these.
    ...(kind === "default" ? { projects: projects() } : { include: [include[kind] ?? kind], exclude, globalSetup }),
    pool: "forks",
    poolOptions: { threads: { isolate: false, maxThreads: 1, minThreads: 1 } },
    sequence: { sequencer: SlowFirst },
    maxWorkers: workers[kind] ?? 2,
    minWorkers: 1,
    env: {
      [bundleVariable]: bundleFolder(),
      ...(kind === "cluster"
        ? {}
        : {
            // Tests of this machine ignore a kubeconfig that happens to be there.
            MAXCLOUD_RUNTIME: "local",
            [madeDatabaseVariable]: join(tmpdir(), `maxcloud-database-${process.pid}`)
          })
    },
    // The machine that runs the cluster's tests is often the cluster too, and CI's machines are shared: a test that came too late is
    // tried once more, and the report names it.
    retry: kind === "cluster" || process.env["CI"] === "true" ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 120_000
  }
})
