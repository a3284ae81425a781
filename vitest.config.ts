import { defineConfig } from "vitest/config"

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
    // A cluster has room for the instances of one file at a time, and its verdicts are timed.
    maxWorkers: kind === "cluster" ? 1 : 2,
    minWorkers: 1,
    // A kubeconfig that lies about is not meant by tests of this machine.
    env: kind === "cluster" ? {} : { MAXCLOUD_RUNTIME: "local" },
    // The machine that runs the tests often is the cluster too: what came too late there is asked for once more.
    // So it is in CI, whose machines are shared; the report names what was.
    retry: kind === "cluster" || process.env.CI === "true" ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 120_000
  }
})
