import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Redacted } from "effect"
import { periodAt, pullPasswordOf } from "../../src/stores/registry/pullPasswords.ts"
import { registryKeyOf } from "../../src/stores/registry/registryKey.ts"
import { freePort } from "../freePort.ts"
import { ServerProcess } from "../serverProcess.ts"
import { missingTools } from "./missingTools.ts"
import { type OwnRegistry, planOwnRegistry, startOwnRegistry } from "./ownRegistry.ts"
import { buildNginxImage } from "./scratchImage.ts"

const built = `localhost/maxcloud-test/own-pulls-${process.pid}:1`
const halfDay = 12 * 3_600_000

describe("images of the platform's own registry, on this machine", () => {
  const missing = missingTools("images of the platform's own registry", "podman", "docker-registry", "nginx")
  let plan: Awaited<ReturnType<typeof planOwnRegistry>>
  let server: ServerProcess
  let registry: OwnRegistry
  let id: OrganizationId

  beforeAll(async () => {
    if (missing.length > 0) return
    plan = await planOwnRegistry()
    server = new ServerProcess(await freePort(), plan.settings)
    await server.start()
    registry = await startOwnRegistry(plan, server.url)
    id = (await server.client.organization.get()).id
    await buildNginxImage(built)
  }, 120_000)
  afterAll(async () => {
    if (missing.length > 0) return
    await server.end("SIGTERM")
    server.remove()
    await registry[Symbol.asyncDispose]()
  }, 60_000)

  const appOf = (repository: string) => ({
    app: "shop",
    services: [{ name: "web", image: `${plan.host}/${repository}`, port: "auto" as const }]
  })
  /** The status of the token server for the password of this organization's nodes in the current period, or another one. */
  const statusFor = async (organization: OrganizationId, later = 0) => {
    const period = periodAt(Date.now(), halfDay) + later
    const password = pullPasswordOf(registryKeyOf(Buffer.from(plan.secret, "utf8")).pullSecret, organization, period)
    const login = Buffer.from(`maxcloud:${Redacted.value(password)}`).toString("base64")
    const response = await fetch(registry.realm, { headers: { authorization: `Basic ${login}` } })
    await response.body?.cancel()
    return response.status
  }

  it.skipIf(missing.length > 0)("run without stored credentials", { timeout: 180_000 }, async () => {
    const password = readFileSync(join(server.dataDirectory, "local-token"), "utf8").trim()
    await registry.push(built, `${id}/shop:1`, password)
    // Otherwise the engine would have it without a pull.
    await promisify(execFile)("podman", ["image", "rm", "--force", built])
    expect((await server.client.deploy(appOf(`${id}/shop:1`))).status.state).toBe("succeeded")
  })

  it.skipIf(missing.length > 0)("are refused to another organization, and can't be logged in to", async () => {
    const other = OrganizationId.make(`org_${"2".repeat(32)}`)
    await expect(server.client.deploy(appOf(`${other}/shop:1`))).rejects.toMatchObject({
      _tag: "InvalidSpec",
      errors: [{ detail: expect.stringContaining(`${plan.host}/${id}/APP:TAG`) }]
    })
    await expect(server.client.registries.login(plan.host, "me", "secret")).rejects.toMatchObject({
      _tag: "InvalidRequest",
      detail: expect.stringContaining("maxcloud registry login")
    })
  })

  it.skipIf(missing.length > 0)("have passwords that end with their organization and their period", async () => {
    const erased = OrganizationId.make(`org_${"3".repeat(32)}`)
    expect([await statusFor(id), await statusFor(id, -1)]).toEqual([200, 200])
    expect([await statusFor(id, -2), await statusFor(id, 2), await statusFor(erased)]).toEqual([401, 401, 401])
  })
})
