import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { makeFolder, run } from "./cli.ts"

const info: Record<string, unknown> = {
  version: "1",
  minimumClient: "1",
  features: [],
  runtime: "local",
  organization: "local",
  inPlace: true,
  secretStore: null
}
const copied: Array<string> = []

/** A server that only has DATABASE_URL. */
const server = createServer(async (request, response) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  const secrets = [{ name: "DATABASE_URL", version: 3, updatedAt: "2026-01-01T00:00:00.000Z" }]
  if (request.method === "POST") copied.push(`${request.url} ${Buffer.concat(chunks).toString()}`)
  response.setHeader("content-type", "application/json")
  response.end(JSON.stringify(request.url === "/api/v1/info" ? info : secrets))
})
const folder = makeFolder({})
let env: Readonly<Record<string, string>> = {}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  env = { MAXCLOUD_API_URL: `http://127.0.0.1:${port}` }
  const secrets = "{ A: { secret: DATABASE_URL }, B: { secret: SESSION, generate: 32 }, C: { secret: SMTP } }"
  writeFileSync(
    join(folder, "maxcloud.config.yaml"),
    `app: shop\nservices:\n  - { name: web, image: nginx, env: ${secrets} }\n  - { name: api, image: nginx, files: { /run/s: { secret: SMTP } } }\n`
  )
})
afterAll(() => server.close())

describe("config secrets", () => {
  it("lists what is set, missing and generated, and exits with 2 if one is missing", async () => {
    const text = await run(["config", "secrets", "--stage", "dev"], { cwd: folder, env })
    expect(text.code).toBe(2)
    expect(text.stdout.replaceAll(/ {2,}/g, " | ").trim().split("\n")).toEqual([
      "NAME | STATE | SERVICES",
      "DATABASE_URL | set, version 3 | web",
      "SESSION | generated at the next deploy | web",
      "SMTP | missing | api, web"
    ])
    expect(text.stderr).toContain("set it: maxcloud secrets set SMTP --stage dev")
    const json = await run(["config", "secrets", "--json"], { cwd: folder, env })
    expect([json.code, JSON.parse(json.stdout).secrets[2]]).toEqual([
      2,
      { name: "SMTP", state: "missing", version: null, services: ["api", "web"] }
    ])
  })

  it("counts none as missing if the values are in a store", async () => {
    info["secretStore"] = "vault"
    const { code, stdout } = await run(["config", "secrets"], { cwd: folder, env })
    expect([code, stdout.match(/in the store/g)?.length]).toEqual([0, 3])
  })
})

describe("secrets copy", () => {
  it("sends names, apps and stages, and requires both stages", async () => {
    const { code, stderr } = await run(
      ["secrets", "copy", "DATABASE_URL", "--from-stage", "dev", "--to-stage", "production", "--to-app", "billing"],
      { cwd: folder, env }
    )
    expect([code, stderr.trim()]).toEqual([
      0,
      "copied from shop (dev) to billing (production): DATABASE_URL as version 3; the next deploy uses them"
    ])
    expect(copied).toEqual([
      '/api/v1/apps/billing/stages/production/secrets-copy {"from":{"app":"shop","stage":"dev"},"names":["DATABASE_URL"]}'
    ])
    const lacking = await run(["secrets", "copy", "A", "--from-stage", "dev"], { cwd: folder, env })
    expect([lacking.code, lacking.stderr]).toEqual([2, expect.stringContaining("no --to-stage given")])
  })
})
