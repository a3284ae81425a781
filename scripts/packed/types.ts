import type { ForeignFolder } from "./ForeignFolder.ts"

const program = `import { type Client, createClient, type Deployment, DeploymentFailed, defaultCredentials, loadConfig, renderProgress } from "@maxcloud/sdk"
import { createClient as createBrowserClient } from "@maxcloud/sdk/browser"
import { defineConfig, service } from "@maxcloud/sdk/config"
import { makeMaxCloud } from "@maxcloud/sdk/effect"
import { envOf, number, oneOf, readEnv, secret } from "@maxcloud/sdk/env"
import { proxiedFetch } from "@maxcloud/sdk/proxy"
import { renderConfig } from "@maxcloud/sdk/testing"
import { embedded } from "@maxcloud/server"

const env = envOf({ TOKEN: secret(), RATE: number({ default: 5 }), MODE: oneOf("fast", "safe") })
const web = service("web", { source: "./web", env: env.with({ MODE: "safe" }) })
const config = defineConfig({ app: "shop", services: [web] })

export const ship = async (client: Client, stage: string): Promise<string | null> => {
  const lines = renderProgress()
  try {
    const deployment: Deployment = await client.deploy(config, {
      stage,
      onProgress: (progress) => {
        for (const line of lines(progress)) console.log(line)
      }
    })
    return deployment.services[0]?.url ?? null
  } catch (error) {
    if (error instanceof DeploymentFailed) console.error(error.deployment.status.message)
    throw error
  }
}

export const last = async (client: Client, app: string, stage: string) => {
  for await (const entry of client.logs("web", { app, stage, tail: 10 })) console.log(entry.line)
  const [newest] = (await client.deployments.list.page({ limit: 1 }, app, { stage })).items
  return newest === undefined ? undefined : client.deployments.get(newest.id)
}

export const rate = (): number => readEnv(env).RATE
export const rendered = async () => (await renderConfig({ config })).service("web").port
export const page = createBrowserClient({ apiUrl: "https://cloud.example.com" })
export const effects = makeMaxCloud({ apiUrl: "https://cloud.example.com" })

const cloud = await embedded()
await ship(cloud.client, "production")
await ship(createClient({ apiUrl: cloud.url, token: defaultCredentials(), fetch: proxiedFetch() }), "preview")
await cloud.client.plan(await loadConfig({ folder: "." }))
const answer: Response = await cloud.fetch("web", "/")
console.log(answer.status)
await cloud.close()
`

const resolutions = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" }
] as const
const libraries = [["es2024"], ["es2024", "dom", "dom.iterable"]] as const

/** Type-checks a user's program and the packages' declarations in TypeScript's strictest mode, with and without the DOM's types. */
export const checkTypes = ({ check, run, write }: ForeignFolder) => {
  for (const resolution of resolutions) {
    for (const lib of libraries) {
      const name = `${resolution.moduleResolution}-${lib.length === 1 ? "node" : "dom"}`
      write(`types-${name}/program.ts`, program)
      write(`types-${name}/package.json`, JSON.stringify({ name, private: true, type: "module" }))
      const compilerOptions = {
        ...resolution,
        lib,
        target: "es2024",
        types: ["node"],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true
      }
      write(`types-${name}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ["*.ts"] }))
      const { output, status } = run("node_modules/.bin/tsc", ["-p", `types-${name}`])
      check(`a program type-checks (${name}), and the packages' own declarations`, status === 0, output)
    }
  }
}
