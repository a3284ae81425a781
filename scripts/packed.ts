/** Installs the packed packages with npm in a folder outside of the workspace, and uses them there as an app's author would. */
import { type SpawnSyncOptions, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const root = join(import.meta.dirname, "..")
const work = mkdtempSync(join(tmpdir(), "maxcloud-packed-"))
const tarballs = join(work, "tarballs")
const app = join(work, "app")
mkdirSync(tarballs)
mkdirSync(app)

const run = (command: string, args: ReadonlyArray<string>, options: SpawnSyncOptions = {}) => {
  const done = spawnSync(command, args, { cwd: app, encoding: "utf8", ...options })
  return { status: done.status, output: `${done.stdout ?? ""}${done.stderr ?? ""}`, stdout: String(done.stdout ?? "") }
}

const write = (file: string, text: string) => {
  mkdirSync(dirname(join(app, file)), { recursive: true })
  writeFileSync(join(app, file), text)
}

const count = { passed: 0, failed: 0 }
const check = (name: string, holds: boolean, output: string) => {
  count[holds ? "passed" : "failed"] += 1
  console.log(`${holds ? "ok" : "FAILED"}: ${name}`)
  if (!holds) console.log(output.trimEnd().split("\n").slice(-30).join("\n"))
}

const pnpm = process.env.MAXCLOUD_PNPM
for (const name of ["config-schema", "synth", "sdk", "server", "cli"]) {
  const packed =
    pnpm === undefined
      ? run("pnpm", ["pack", "--pack-destination", tarballs], { cwd: join(root, name) })
      : run(process.execPath, [pnpm, "pack", "--pack-destination", tarballs], { cwd: join(root, name) })
  check(`${name} is packed`, packed.status === 0, packed.output)
}

write("package.json", JSON.stringify({ name: "shop", private: true, type: "module" }))
const files = readdirSync(tarballs).map((_) => join(tarballs, _))
const installed = run("npm", ["install", "--no-audit", "--no-fund", "-D", ...files, "typescript@5", "@types/node@24"])
check("npm installs the tarballs", installed.status === 0, installed.output)

const maxcloud = (...args: ReadonlyArray<string>) => run("npx", ["--no-install", "maxcloud", ...args])
const version = maxcloud("--version")
check("maxcloud --version", version.status === 0 && /^\d+\.\d+\.\d+/.test(version.stdout.trim()), version.output)
const help = maxcloud("--help")
check("maxcloud --help", help.status === 0 && help.output.includes("deploy"), help.output)

const config = (fields: string) => `import { defineConfig, secret, service } from "@maxcloud/sdk/config"

export default defineConfig(({ stage }) => {
  const token = secret("API_TOKEN")
  const api = service("api", { source: "./api", env: { TOKEN: token, STAGE: stage }, ${fields} })
  const web = service("web", { image: "docker.io/library/nginx:1.27", port: 80, env: { API_URL: api.url } })
  return { app: "shop", services: [api, web] }
})
`
write(
  "tsconfig.json",
  JSON.stringify({ compilerOptions: { strict: true, module: "nodenext", noEmit: true }, include: ["*.ts"] })
)
write("api/package.json", JSON.stringify({ name: "api", private: true, scripts: { start: "node server.js" } }))
write(
  "api/server.js",
  `require("node:http").createServer((_, response) => response.end("token has " + process.env.TOKEN.length + " characters")).listen(process.env.PORT)\n`
)
const types = (fields: string) => {
  write("maxcloud.config.ts", config(fields))
  return run("npx", ["--no-install", "tsc", "-p", "."])
}
const misspelt = types("scal: { min: 0 }")
check("a misspelt key is a type error", misspelt.status !== 0 && misspelt.output.includes("scal"), misspelt.output)
const unit = types(`memory: "5 apples"`)
check("an impossible unit is a type error", unit.status !== 0 && unit.output.includes("memory"), unit.output)
const wrong = maxcloud("config", "check")
check(
  "config check tells file, line and path, exit code 2",
  wrong.status === 2 && /maxcloud\.config\.ts:5/.test(wrong.output) && wrong.output.includes("memory"),
  wrong.output
)
const right = types("scale: { min: 0, max: 5, concurrency: 20 }")
check("the config of the README has no type error", right.status === 0, right.output)
const synth = maxcloud("synth")
check(
  "maxcloud synth prints manifests",
  synth.status === 0 && synth.stdout.includes("serving.knative.dev/v1") && !synth.stdout.includes(root),
  synth.output
)

write(
  "embed.mjs",
  `import { embedded } from "@maxcloud/server"
import { defineConfig, secret, service } from "@maxcloud/sdk/config"
const api = service("api", { source: "./api", env: { TOKEN: secret("API_TOKEN") } })
await using cloud = await embedded({})
await cloud.client.secrets.set("shop", "API_TOKEN", "seven77")
const deployment = await cloud.client.deploy(defineConfig({ app: "shop", services: [api] }))
const url = new URL(deployment.services[0].url)
const { request } = await import("node:http")
const text = await new Promise((resolve, reject) =>
  request({ host: "127.0.0.1", port: url.port, headers: { host: url.host } }, async (response) => {
    let body = ""
    for await (const chunk of response) body += chunk
    resolve(body)
  }).on("error", reject).end())
console.log(text)
`
)
const embedded = run(process.execPath, ["embed.mjs"], { timeout: 120_000 })
check(
  "embedded() deploys and answers",
  embedded.status === 0 && embedded.stdout.includes("token has 7 characters"),
  embedded.output
)

rmSync(work, { recursive: true, force: true })
console.log(`${count.passed} passed, ${count.failed} failed`)
process.exit(count.failed === 0 ? 0 : 1)
