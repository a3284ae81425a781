import { mkdirSync } from "node:fs"
import { request } from "node:http"
import { join } from "node:path"
import type { ForeignFolder } from "./ForeignFolder.ts"

/** Uses the Host header, because not every resolver knows `*.localhost`. */
const get = (url: URL) =>
  new Promise<string>((resolve, reject) => {
    request({ host: "127.0.0.1", port: url.port, path: url.pathname, headers: { host: url.host } }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => {
        body += chunk
      })
      response.on("end", () => resolve(body))
    })
      .on("error", reject)
      .end()
  })

const embed = `import { embedded } from "@maxcloud/server"
import { defineConfig, secret, service } from "@maxcloud/sdk/config"

const api = service("api", { source: "./api", env: { TOKEN: secret("API_TOKEN") } })
const cloud = await embedded({})
await cloud.client.secrets.set("shop", "API_TOKEN", "seven77")
const deployment = await cloud.client.deploy(defineConfig({ app: "shop", services: [api] }))
const text = await (await cloud.fetch("api", "/")).text()
const same = await (await fetch(deployment.services[0].url, { dispatcher: cloud.dispatcher })).text()
console.log(process.versions.node + ": " + text + (same === text ? "" : ", else " + same))
await cloud.close()
`

/** Takes an app from `init` to `delete`, with a server of the installed command. */
export const checkDeployment = async ({ app, check, maxcloud, run, start }: ForeignFolder) => {
  const cwd = join(app, "fresh")
  mkdirSync(cwd)
  const init = maxcloud(["init"], { cwd })
  check("init writes an app into an empty folder", init.status === 0, init.output)
  const good = maxcloud(["config", "check"], { cwd })
  check("config check accepts the files of init", good.status === 0, good.output)

  const away = maxcloud(["list", "--api-url", "http://127.0.0.1:9"])
  check("list reports an unreachable server, exit code 3", away.status === 3, away.output)

  const server = await start(["server", "--port", "0"], { cwd })
  try {
    const url = /http:\/\/[\w.]+:\d+/.exec(server.printed)?.[0] ?? ""
    const at = (...args: ReadonlyArray<string>) => maxcloud([...args, "--api-url", url], { cwd })
    const deployed = at("deploy")
    check(
      "deploy prints a URL",
      deployed.status === 0 && /http:\/\/web--[a-z0-9-]+--local\./.test(deployed.output),
      deployed.output
    )
    const service = /http:\/\/web--[a-z0-9-]+--local\.\S+/.exec(deployed.output)?.[0] ?? url
    const text = await get(new URL(service))
    check("the URL responds", text.includes("Hello from web-00001 in production"), text)
    const list = at("list")
    check("list shows it", list.status === 0 && list.stdout.includes(service), list.output)
    const logs = at("logs", "web")
    check("logs shows its lines", logs.status === 0 && logs.stdout.includes("listening on"), logs.output)

    const cli = join(app, "node_modules/@maxcloud/cli/bin/maxcloud.js")
    const minimum = run("npx", ["-y", "-p", "node@22.18.0", "node", cli, "list", "--api-url", url], { cwd })
    check("list works on Node 22.18.0", minimum.status === 0 && minimum.stdout.includes(service), minimum.output)
    const old = run("npx", ["-y", "-p", "node@18", "node", cli, "list", "--api-url", url], { cwd })
    check(
      "Node 18 gets one line about the required Node, exit code 2",
      old.status === 2 && /^maxcloud needs Node 22\.18 or newer[^\n]+\n$/.test(old.output),
      old.output
    )

    const helper = run(join(app, "node_modules/.bin/docker-credential-maxcloud"), ["list"], { cwd })
    check("docker and podman can call the credential helper", helper.stdout === "{}\n", helper.output)

    const deleted = at("delete", "web", "--yes")
    check("delete removes it", deleted.status === 0, deleted.output)
    const none = at("list", "--json")
    check("nothing is left", none.status === 0 && !none.stdout.includes("--local"), none.output)
  } finally {
    const code = await server.stop()
    check("the server stops gracefully", code === 0, String(code))
  }
}

/** Runs the server inside a program on the oldest supported Node, installed by npm. */
export const checkEmbedded = ({ check, run, write }: ForeignFolder) => {
  write("embed.mjs", embed)
  const done = run("npx", ["-y", "-p", "node@22.18.0", "node", "embed.mjs"])
  check(
    "embedded() deploys and responds on Node 22.18.0",
    done.status === 0 && done.stdout.includes("22.18.0: token has 7 characters\n"),
    done.output
  )
}

/** The same with pnpm, which links packages and doesn't run install scripts. */
export const checkPnpm = ({ app, check, pnpm, run, tarballs, write }: ForeignFolder) => {
  const files = tarballs()
  const overrides = Object.fromEntries(
    files.map((file) => [
      `@maxcloud/${/maxcloud-(.+)-\d+\.\d+\.\d+/.exec(file.split("/").at(-1) ?? "")?.[1]}`,
      `file:${file}`
    ])
  )
  const cwd = join(app, "pnpm")
  write("pnpm/package.json", JSON.stringify({ name: "shop", private: true, type: "module", pnpm: { overrides } }))
  run("cp", ["-r", "api", "embed.mjs", "pnpm/"])
  const installed = pnpm(["add", "-D", "@maxcloud/cli", "@maxcloud/sdk", "@maxcloud/server"], cwd)
  check("pnpm installs the tarballs", installed.status === 0, installed.output)
  const done = run(process.execPath, ["embed.mjs"], { cwd })
  check(
    "embedded() deploys and responds",
    done.status === 0 && done.stdout.includes("token has 7 characters\n"),
    done.output
  )
}
