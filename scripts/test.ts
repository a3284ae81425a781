/** Runs one kind of tests, and lists the tests that this machine can't run. In CI that is a failure. */
import { spawnSync } from "node:child_process"
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import process from "node:process"
import { podmanVariable, probePodman } from "../server/test/registry/missingTools.ts"

const [kind = "default", ...files] = process.argv.slice(2)
const inCi = process.env.CI === "true"

const onPath = (program: string) =>
  (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** Why images can't run here. A whole run checks podman once. A run of single files leaves the check to them. */
const imageProblem = (): string | undefined => {
  if (!onPath("podman"))
    return onPath("docker") ? undefined : "neither podman nor docker is installed (Debian: apt-get install podman)"
  if (files.length > 0 || kind === "cluster") return undefined
  const problem = probePodman()
  process.env[podmanVariable] = problem ?? ""
  return problem === undefined ? undefined : `podman is installed, but can't start a container: ${problem}`
}
const noImages = imageProblem()

const needs: ReadonlyArray<{ kinds: ReadonlyArray<string>; there: boolean; what: string }> = [
  {
    kinds: ["default", "images", "long"],
    there: noImages === undefined,
    what: `images: ${noImages}`
  },
  {
    kinds: ["default", "images", "long"],
    there: onPath("docker-registry"),
    what: "pulling images: docker-registry isn't installed (Debian: apt-get install docker-registry)"
  },
  {
    kinds: ["images"],
    there: onPath("skopeo"),
    what: "images from sources: skopeo isn't installed (Debian: apt-get install skopeo)"
  },
  {
    kinds: ["default"],
    there: onPath("chromium"),
    what: "pages in a browser: chromium isn't installed (Debian: apt-get install chromium)"
  },
  {
    kinds: ["default"],
    there: onPath("promtool"),
    what: "alerts: promtool isn't installed (Debian: apt-get install prometheus)"
  },
  {
    kinds: ["default"],
    there: onPath("rclone"),
    what: "stored logs in a bucket: rclone isn't installed (`go install github.com/rclone/rclone@v1.69.1`; Debian's is too old to serve S3)"
  },
  {
    kinds: ["long"],
    there: onPath("bao"),
    what: "the master key in a transit engine: bao isn't installed (OpenBao 2.5, from its releases or its sources)"
  },
  {
    kinds: ["long"],
    there: onPath("loki"),
    what: "stored logs in Loki: loki isn't installed (Grafana Loki 3, from its releases or its sources)"
  },
  {
    kinds: ["long"],
    there: onPath("external-secrets") && onPath("bao") && process.env.KUBECONFIG !== undefined,
    what: "secrets from a store: external-secrets (External Secrets Operator 0.16, from its sources), bao, or a cluster in KUBECONFIG with the operator's CRDs is missing"
  },
  {
    kinds: ["clients"],
    there: onPath("go") && onPath("python3") && onPath("curl"),
    what: "clients in other languages: go, python3 or curl isn't installed (Debian: apt-get install golang-go python3-venv curl)"
  },
  {
    kinds: ["cluster"],
    there: onPath("go"),
    what: "broken and chatty images: go isn't installed"
  },
  {
    kinds: ["cluster"],
    there: onPath("docker-registry") && onPath("podman"),
    what: "your own images on the cluster: podman or docker-registry isn't installed (Debian: apt-get install podman docker-registry)"
  },
  {
    kinds: ["cluster"],
    there: process.env.KUBECONFIG !== undefined,
    what: "Kubernetes: KUBECONFIG doesn't point to a cluster with Knative (kind or k3s is enough)"
  }
]
const missing = needs.filter((need) => need.kinds.includes(kind) && !need.there)
for (const { what } of missing) console.log(`can't run on this machine: ${what}`)

// Short, because it contains sockets, and accessible to the users that root's tests start programs as.
const folder = mkdtempSync(join(tmpdir(), "mct-"))
chmodSync(folder, 0o755)
const failedFile = join(folder, "failed")
const temporary = join(folder, "t")
mkdirSync(temporary)
chmodSync(temporary, 0o1777)

/** Files that tests don't create: the programs that they run keep these for their next run. */
const compileCache = "node-compile-cache"
const leftBehind = () => readdirSync(temporary).filter((name) => name !== compileCache)

/**
 * Podman settings that give the run its own networks. Each podman command reads all networks, and killed runs leave some behind: with eighty of
 * them a container takes six times as long to start.
 */
const ownNetworks = (): Readonly<Record<string, string>> => {
  const given = [
    process.env.CONTAINERS_CONF,
    "/etc/containers/containers.conf",
    "/usr/share/containers/containers.conf"
  ].find((value) => value !== undefined && existsSync(value))
  const settings = given === undefined ? "" : readFileSync(given, "utf8")
  if (/^\s*network_config_dir/m.test(settings)) return {}
  const networks = join(folder, "networks")
  mkdirSync(networks)
  const section = `[network]\nnetwork_config_dir = ${JSON.stringify(networks)}`
  const file = join(folder, "containers.conf")
  const isThere = /^\[network\].*$/m.test(settings)
  writeFileSync(file, isThere ? settings.replace(/^\[network\].*$/m, section) : `${settings}\n${section}\n`)
  return { CONTAINERS_CONF: file }
}
const networks = ownNetworks()

const run = (only: ReadonlyArray<string>) => {
  const args = ["run", "--reporter=default", "--reporter=./scripts/plainReporter.ts", ...only]
  const env = {
    ...process.env,
    ...networks,
    // Each file loads the same libraries as the one before.
    NODE_COMPILE_CACHE: join(temporary, compileCache),
    MAXCLOUD_TESTS: kind,
    MAXCLOUD_TESTS_FAILED: failedFile,
    TMPDIR: temporary
  }
  const { status } = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", ...args], { stdio: "inherit", env })
  return status ?? 1
}
const failedFiles = () => {
  try {
    return readFileSync(failedFile, "utf8").split("\n").filter(Boolean)
  } catch {
    return []
  }
}

let status = run(files)
if (kind === "cluster" && status !== 0) {
  // A busy cluster may be too slow, also for creating a file's objects. Retry failed files once, when nothing else runs.
  const failed = failedFiles()
  if (failed.length > 0 && failed.length <= 3) {
    console.log(`\nretrying failed files once; if they pass now, they're flaky and need a fix: ${failed.join(", ")}`)
    status = run(failed)
  }
}
const left = leftBehind()
if (left.length > 0) console.error(`tests: left these in the temporary folder, removed now: ${left.join(", ")}`)
if ((kind === "default" || kind === "images") && left.length > 0 && status === 0) status = 1
rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
for (const { what } of missing) console.log(`can't run on this machine: ${what}`)
if (inCi && missing.length > 0) {
  console.error("tests: in CI every test must run")
  process.exit(1)
}
process.exit(status)
