/** Runs one kind of the tests, and says by name what this machine cannot run. In CI something that cannot run is a failure. */
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

/** Why images can't run here. A whole run asks podman once; a few files ask only if they need it. */
const imageProblem = (): string | undefined => {
  if (!onPath("podman"))
    return onPath("docker") ? undefined : "neither podman nor docker is installed (Debian: apt-get install podman)"
  if (files.length > 0 || kind === "cluster") return undefined
  const problem = probePodman()
  process.env[podmanVariable] = problem ?? ""
  return problem === undefined ? undefined : `podman is installed, and starts no container: ${problem}`
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
    what: "pulling images: docker-registry is not installed (Debian: apt-get install docker-registry)"
  },
  {
    kinds: ["default"],
    there: onPath("chromium"),
    what: "pages in a browser: chromium is not installed (Debian: apt-get install chromium)"
  },
  {
    kinds: ["default"],
    there: onPath("rclone"),
    what: "kept logs in a bucket: rclone is not installed (`go install github.com/rclone/rclone@v1.69.1`; Debian's is too old to serve S3)"
  },
  {
    kinds: ["long"],
    there: onPath("bao"),
    what: "the master key in a transit engine: bao is not installed (OpenBao 2.5, from its releases or its sources)"
  },
  {
    kinds: ["long"],
    there: onPath("loki"),
    what: "kept logs in Loki: loki is not installed (Grafana Loki 3, from its releases or its sources)"
  },
  {
    kinds: ["long"],
    there: onPath("external-secrets") && onPath("bao") && process.env.KUBECONFIG !== undefined,
    what: "secrets from a store: external-secrets (External Secrets Operator 0.16, from its sources), bao, or a cluster in KUBECONFIG with the operator's CRDs is missing"
  },
  {
    kinds: ["clients"],
    there: onPath("go") && onPath("python3") && onPath("curl"),
    what: "clients in other languages: go, python3 or curl is not installed (Debian: apt-get install golang-go python3-venv curl)"
  },
  {
    kinds: ["cluster"],
    there: onPath("go"),
    what: "broken and chatty images: go is not installed"
  },
  {
    kinds: ["cluster"],
    there: onPath("docker-registry") && onPath("podman"),
    what: "images of one's own on the cluster: podman or docker-registry is not installed (Debian: apt-get install podman docker-registry)"
  },
  {
    kinds: ["cluster"],
    there: process.env.KUBECONFIG !== undefined,
    what: "Kubernetes: KUBECONFIG names no cluster with Knative (kind or k3s will do)"
  }
]
const missing = needs.filter((need) => need.kinds.includes(kind) && !need.there)
for (const { what } of missing) console.log(`not run on this machine: ${what}`)

// Short, for the paths of sockets in it, and open to the users that tests of root run programs as.
const folder = mkdtempSync(join(tmpdir(), "mct-"))
chmodSync(folder, 0o755)
const failedFile = join(folder, "failed")
const temporary = join(folder, "t")
mkdirSync(temporary)
chmodSync(temporary, 0o1777)

/** What no test makes, but the programs that it runs, and keep for their next run. */
const compileCache = "node-compile-cache"
const leftBehind = () => readdirSync(temporary).filter((name) => name !== compileCache)

/**
 * Settings of podman by which the run's networks are its own. Podman reads every network that it has at each command, and runs that were killed
 * have left some: with eighty of them a container takes six times as long to start.
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
    // Each file loads the same libraries as the file before.
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
  // What a busy cluster was too slow for, in the making of a file's objects too, is tried once more on a quiet one.
  const failed = failedFiles()
  if (failed.length > 0 && failed.length <= 3) {
    console.log(`\ntried once more, which passes for unsteady and not for right: ${failed.join(", ")}`)
    status = run(failed)
  }
}
const left = leftBehind()
if (left.length > 0) console.error(`tests: left behind in the temporary folder, and removed now: ${left.join(", ")}`)
if ((kind === "default" || kind === "images") && left.length > 0 && status === 0) status = 1
rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
for (const { what } of missing) console.log(`not run on this machine: ${what}`)
if (inCi && missing.length > 0) {
  console.error("tests: in CI everything has to run")
  process.exit(1)
}
process.exit(status)
