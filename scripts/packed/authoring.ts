import { type ForeignFolder, root } from "./ForeignFolder.ts"

const config = (fields: string) => `import { defineConfig, service, secret } from "@maxcloud/sdk/config"

export default defineConfig(({ stage }) => {
  const dbUrl = secret("DATABASE_URL")
  const api = service("api", { source: "./api", env: { DATABASE_URL: dbUrl }, ${fields} })
  const web = service("web", { image: "docker.io/library/nginx:1.27", port: 80, env: { API_URL: api.url } })   // a link: also opens the network edge
  return { app: "shop", services: [api, web] }
})
`

const yaml = `apiVersion: maxcloud.dev/v1
app: shop
services:
  - name: web
    image: docker.io/library/nginx:1.27
    port: 80
`

/** Each import path has types, and none of them is `any`. */
const typed = `import { createClient } from "@maxcloud/sdk"
import { Deployment } from "@maxcloud/sdk/api"
import { defineConfig, service } from "@maxcloud/sdk/config"
import { MaxCloud } from "@maxcloud/sdk/effect"
import { embedded } from "@maxcloud/server"
import { synth } from "@maxcloud/synth"
import { parseAppSpec } from "@maxcloud/config-schema"

type IsAny<T> = 0 extends 1 & T ? true : false
type Typed<T> = IsAny<T> extends true ? never : true

const cloud = await embedded({})
const deployment = await cloud.client.deploy(defineConfig({ app: "shop", services: [service("api", { source: "./api" })] }))
const response: Response = await cloud.fetch("api", "/", { method: "HEAD" })
// Beside the DOM's types, whose \`fetch\` knows no dispatcher.
const through: RequestInit & Pick<typeof cloud, "dispatcher"> = { dispatcher: cloud.dispatcher }
await fetch(cloud.url, through)
export const named = (max: typeof MaxCloud.Service) => max.services.list({ app: "shop", stage: "production", name: "api" })
const url: string | null | undefined = deployment.services[0]?.url
export const each: readonly [
  Typed<typeof cloud.client.deploy>, Typed<typeof deployment>, Typed<typeof response>, Typed<typeof cloud.dispatcher>, Typed<typeof url>, Typed<typeof createClient>,
  Typed<typeof Deployment.Type>, Typed<typeof MaxCloud>, Typed<typeof MaxCloud.Service>, Typed<typeof synth>, Typed<typeof parseAppSpec>
] = [true, true, true, true, true, true, true, true, true, true, true]
// @ts-expect-error
await embedded({ prot: 1 })
// @ts-expect-error
await cloud.client.deploi
`

/** Checks configs and turns them into manifests, without running anything. */
export const checkAuthoring = ({ check, maxcloud, run, write }: ForeignFolder) => {
  write(
    "tsconfig.json",
    JSON.stringify({
      compilerOptions: { strict: true, module: "nodenext", target: "es2024", noEmit: true },
      include: ["*.ts"]
    })
  )
  write("api/package.json", JSON.stringify({ name: "api", private: true, scripts: { start: "node server.js" } }))
  write(
    "api/server.js",
    `require("node:http").createServer((_, response) => response.end("token has " + process.env.TOKEN.length + " characters")).listen(process.env.PORT)\n`
  )
  const types = (fields: string) => {
    write("maxcloud.config.ts", config(fields))
    return run("node_modules/.bin/tsc", ["-p", "."])
  }
  const misspelt = types("scal: { min: 0 }")
  check("a misspelt key is a type error", misspelt.status !== 0 && misspelt.output.includes("'scal'"), misspelt.output)
  const unit = types(`memory: "5 apples"`)
  check(
    "an impossible unit is a type error",
    unit.status !== 0 && unit.output.includes(`"5 apples"`) && unit.output.includes("MemoryQuantity"),
    unit.output
  )
  const wrong = maxcloud(["config", "check"])
  check(
    "config check prints file, line and path, exit code 2",
    wrong.status === 2 && /maxcloud\.config\.ts:5/.test(wrong.output) && wrong.output.includes("memory"),
    wrong.output
  )

  write("typed.ts", typed)
  const right = types("scale: { min: 0, max: 5, concurrency: 20 }")
  check("the packages are typed, and the config has no type error", right.status === 0, right.output)
  const good = maxcloud(["config", "check"])
  check("config check accepts it", good.status === 0, good.output)
  const synth = maxcloud(["synth"])
  check(
    "synth prints the manifests",
    synth.status === 0 &&
      synth.stdout.includes("serving.knative.dev/v1") &&
      synth.stdout.includes("maxcloud.dev/links: api") &&
      !synth.stdout.includes(root),
    synth.output
  )
  const again = maxcloud(["synth"])
  check("synth prints the same bytes again", again.stdout === synth.stdout, again.output)

  write("app.yaml", yaml)
  const byFlag = maxcloud(["config", "check", "--config", "app.yaml", "--json"])
  check("config check accepts YAML", byFlag.status === 0 && byFlag.stdout.includes("nginx:1.27"), byFlag.output)
  write("wrong.yaml", yaml.replace("port: 80", "port: 0"))
  const port = maxcloud(["config", "check", "wrong.yaml"])
  check(
    "config check prints the line of YAML, exit code 2",
    port.status === 2 && port.output.includes("wrong.yaml:6"),
    port.output
  )
}
