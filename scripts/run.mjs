/**
 * Entry point of every root script. Runs on any Node >= 18 with npm. It downloads Node 24 and pnpm 10 from npm if they're missing,
 * installs dependencies if the lockfile has changed, then runs the task.
 */
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const state = join(root, "node_modules", ".max-cloud.json")
const [task, ...args] = process.argv.slice(2)

const say = (text) => process.stderr.write(`max-cloud: ${text}\n`)

const fail = (text, output) => {
  if (output) process.stderr.write(`${output.trimEnd().split("\n").slice(-20).join("\n")}\n`)
  say(text)
  process.exit(1)
}

const why = (output) => {
  if (/ENOSPC|no space left/i.test(output)) return "the disk is full. Free some space, then try again."
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|network|socket hang up/i.test(output)) {
    return "the npm registry is unreachable. Check the network and the proxy in your npm configuration, then try again."
  }
  if (/EACCES|EPERM/i.test(output)) return `no permission to write. Check who owns ${root} and the npm cache.`
  return "see npm's output above."
}

const readState = () => {
  try {
    return JSON.parse(readFileSync(state, "utf8"))
  } catch {
    return {}
  }
}

const writeState = (value) => {
  mkdirSync(dirname(state), { recursive: true })
  writeFileSync(state, JSON.stringify(value))
}

/** Node 24 and pnpm 10, from an earlier run if they still exist, or else from npm. */
const toolchain = () => {
  const known = readState().toolchain
  if (known && existsSync(known.node) && existsSync(known.pnpm)) return known
  say("downloading Node 24 and pnpm 10 from npm (once, about 10 seconds) …")
  const print = `node -p "JSON.stringify({ node: process.execPath, path: process.env.PATH })"`
  const found = spawnSync("npx", ["-y", "-p", "node@24", "-p", "pnpm@10", "-c", print], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32"
  })
  if (found.error || found.status !== 0) {
    const output = `${found.stderr ?? ""}${found.error ? String(found.error) : ""}`
    fail(`couldn't download Node 24 and pnpm 10: ${why(output)}`, output)
  }
  const { node, path } = JSON.parse(found.stdout.trim().split("\n").at(-1))
  const pnpm = path
    .split(delimiter)
    .map((folder) => join(dirname(folder), "pnpm", "bin", "pnpm.cjs"))
    .find((file) => existsSync(file))
  if (!pnpm) fail("npm didn't install pnpm. Run `npm cache verify`, then try again.")
  return { node, pnpm }
}

const install = (tools) => {
  const digest = createHash("sha256")
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json"]) {
    if (existsSync(join(root, file))) digest.update(readFileSync(join(root, file)))
  }
  const lockfile = digest.digest("hex")
  if (readState().lockfile === lockfile) return
  say("installing dependencies (once, about half a minute) …")
  const done = spawnSync(tools.node, [tools.pnpm, "install", "--frozen-lockfile", "--reporter=append-only"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, CI: "true" },
    maxBuffer: 64 * 2 ** 20
  })
  const output = `${done.stdout ?? ""}${done.stderr ?? ""}`
  if (done.status !== 0) fail(`couldn't install dependencies: ${why(output)}`, output)
  writeState({ toolchain: tools, lockfile })
}

const tasks = {
  start: [["cli/src/main.ts", "dev", "--no-watch", "--stage", "production"]],
  test: [["scripts/test.ts", "default"]],
  "test:images": [["scripts/test.ts", "images"]],
  "test:cluster": [["scripts/test.ts", "cluster"]],
  "test:cluster:prepare": [["scripts/build.ts"], ["scripts/clusterForTests.ts"]],
  "test:long": [["scripts/test.ts", "long"]],
  "test:clients": [["scripts/test.ts", "clients"]],
  "test:fuzz": [["scripts/fuzzApi.ts"]],
  "test:chaos": [["scripts/chaos.ts"]],
  "test:kills": [["scripts/build.ts"], ["scripts/killServer.ts"]],
  "test:soak": [["scripts/build.ts"], ["scripts/soak.ts"]],
  "test:packed": [["scripts/build.ts"], ["scripts/packed.ts"]],
  check: [["scripts/check.ts"]],
  build: [["scripts/build.ts"]],
  image: [["scripts/build.ts"], ["scripts/image.ts"]],
  sbom: [["scripts/sbom.ts"]],
  generate: [["scripts/generate.ts"]],
  docs: [["scripts/docs.ts"]],
  bench: [["scripts/build.ts"], ["bench/src/main.ts"]],
  maxcloud: [["cli/src/main.ts"]]
}

if (!tasks[task]) fail(`unknown task "${task}". Use one of: ${Object.keys(tasks).join(", ")}`)
const tools = toolchain()
install(tools)

// The terminal sends Ctrl-C to the child too, and the child decides when to exit. Forward signals that only this process gets.
let running
process.on("SIGINT", () => {})
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => running?.kill(signal))

const programs = [dirname(tools.node), join(dirname(tools.pnpm), "..", "..", ".bin")]
const env = { ...process.env, PATH: [...programs, process.env.PATH].join(delimiter), MAXCLOUD_PNPM: tools.pnpm }
const steps = tasks[task]
for (const [index, step] of steps.entries()) {
  const rest = index === steps.length - 1 ? args : []
  const code = await new Promise((resolve) => {
    running = spawn(tools.node, [...step, ...rest], { cwd: root, stdio: "inherit", env })
    running.on("error", (error) => fail(`couldn't start ${step[0]}: ${error.message}`))
    running.on("exit", (code, signal) => resolve(signal ? 130 : (code ?? 1)))
  })
  if (code !== 0) process.exit(code)
}
