import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Feature } from "@maxcloud/sdk/api"
import { type Embedded, embedded } from "../src/assembly/index.ts"
import { minimumClient, version } from "../src/base/settings/version.ts"
import { featuresOf } from "../src/edge/api/handlers/features.ts"
import { withMadeDatabase } from "./database/madeDatabase.ts"

let cloud: Embedded
let dataDir = ""
beforeAll(async () => {
  dataDir = withMadeDatabase(mkdtempSync(join(tmpdir(), "maxcloud-versions-")))
  cloud = await embedded({ dataDir })
}, 120_000)
afterAll(async () => {
  await cloud?.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const ask = async (path: string, agent: string | undefined, method = "GET") => {
  const headers = { authorization: `Bearer ${cloud.token}`, ...(agent === undefined ? {} : { "user-agent": agent }) }
  const response = await fetch(`${cloud.url}${path}`, { method, headers })
  return { status: response.status, body: Object(await response.json()) }
}

const [major = 0, minor = 0] = minimumClient.split(".").map(Number)
const older = ["0.0.9", "0.0.0", "0.0.999999", "0.0.9-beta.1"]
const newer = [minimumClient, version, `${major}.${minor}.1`, `${major}.${minor + 10}.0`, `${major + 10}.0.0`]
const nonsense = ["maxcloud-sdk/banana", "maxcloud-sdk/", "maxcloud-sdk/0.0", `maxcloud-sdk/${"0".repeat(4000)}.0.1`]

describe("a client of another version", () => {
  it.each(older)("is refused if it's older than the server supports: %s", async (agent) => {
    const answers = [
      await ask("/api/v1/services", `maxcloud-sdk/${agent}`),
      await ask("/api/v1/organizations/-/apps", `shop/2.0 maxcloud-sdk/${agent}`),
      await ask("/api/v1/apps/shop/stages/production", `maxcloud-sdk/${agent}`, "DELETE")
    ]
    for (const { body, status } of answers) {
      expect(status).toBe(400)
      expect(body).toMatchObject({
        code: "client_outdated",
        type: "/problems/client-outdated",
        clientVersion: agent.split("-")[0],
        minimumClient
      })
      expect(body.detail).toMatch(/Update it: `npm i @maxcloud\/sdk@latest`/)
    }
  })

  it.each(older)("may ask which clients are supported: %s", async (agent) => {
    const info = await ask("/api/v1/info", `maxcloud-sdk/${agent}`)
    expect(info).toMatchObject({ status: 200, body: { version, minimumClient } })
    expect((await ask("/healthz", `maxcloud-sdk/${agent}`)).status).toBe(200)
  })

  it.each([...newer.map((each) => `maxcloud-sdk/${each}`), ...nonsense, "curl/8.0", undefined])(
    "is served if it isn't older, or has no readable version: %s",
    async (agent) => {
      expect((await ask("/api/v1/services", agent)).status).toBe(200)
    }
  )
})

describe("the features of a server", () => {
  const platform = {
    namespacePrefix: "",
    domain: "localhost",
    scheme: "http",
    port: undefined,
    podSecurity: "baseline",
    runtimeClass: undefined
  } as const

  it("are those that its settings enable", async () => {
    const without = Feature.literals.filter((feature) => feature !== "manifests")
    expect(featuresOf(platform)).toEqual(without)
    expect(featuresOf({ ...platform, manifestRules: [] })).toEqual(without)
    expect(featuresOf({ ...platform, manifestRules: "all" })).toEqual(Feature.literals)
    expect((await ask("/api/v1/info", undefined)).body.features).toEqual(without)
  })

  it("are explained in docs/compatibility.md", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/compatibility.md"), "utf8")
    const rows = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
    expect(rows).toEqual(Feature.literals)
  })
})
