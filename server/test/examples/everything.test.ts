import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Embedded, embedded } from "../../src/assembly/index.ts"
import { exampleFolder } from "./exampleFolder.ts"

describe("the config that uses every feature, on the local runtime", () => {
  const stage = "production"
  let cloud: Embedded
  let folder = ""
  beforeAll(async () => {
    folder = exampleFolder("everything")
    cloud = await embedded()
    await cloud.client.secrets.import("everything", { DATABASE_URL: "postgres://db/shop", PASSWORD: "p" }, { stage })
    await cloud.client.deploy(join(folder, "billing/maxcloud.config.yaml"), { stage })
  }, 180_000)
  afterAll(() => cloud?.close(), 60_000)

  it("is planned without problems, and warns about features of containers and clusters only", async () => {
    const { changes, problems, warnings } = await cloud.client.plan(join(folder, "maxcloud.config.ts"), { stage })
    expect(problems).toEqual([])
    expect(changes.map(({ action, service }) => `${action} ${service}`)).toEqual([
      "create grpc",
      "create web",
      "create worker"
    ])
    const fields = warnings.flatMap(({ pointer = "" }) => pointer.split("/").slice(4, 5))
    for (const field of ["cpu", "memory", "files", "egress"]) expect(fields).toContain(field)
  })

  it("is deployed, and each service runs as configured", { timeout: 180_000 }, async () => {
    const deployment = await cloud.client.deploy(join(folder, "maxcloud.config.ts"), { stage })
    expect(deployment.services.map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      "grpc ready",
      "web ready",
      "worker ready"
    ])
    const answer = await (await cloud.fetch("web", "/", { app: "everything" })).json()
    expect(answer).toMatchObject({ MODE: "safe", RATE: "5", args: ["--organization", "local"] })
    expect(await (await cloud.fetch("web", "/bill", { app: "everything" })).text()).toBe("one euro")
    const outputs = await cloud.client.apps.outputs("everything", { stage })
    expect(outputs).toEqual({
      stage,
      url: expect.stringContaining("web--everything--local"),
      health: expect.stringMatching(/web--everything--local.*\/healthz$/)
    })
    const secrets = await cloud.client.secrets.list("everything", { stage })
    expect(secrets.map(({ name }) => name).sort()).toEqual(["DATABASE_URL", "PASSWORD", "SESSION_KEY"])
  })
})
