import { afterAll, afterEach, beforeAll, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { until } from "../contract/requests.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { namespaceFor, small, startWiredServer, type WiredServer } from "./wiredServer.ts"

const setting = "MAXCLOUD_CLOSED_RANGES"
const app = { app: "shop", services: ["web", "api"].map((name) => ({ ...small(name), egress: ["8.8.0.0/16"] })) }

const Generation = Schema.Struct({ metadata: Schema.Struct({ generation: Schema.Int }) })
const generationOf = (object: unknown) => Schema.decodeUnknownSync(Generation)(object).metadata.generation
const Names = Schema.Struct({
  items: Schema.Array(Schema.Struct({ metadata: Schema.Struct({ name: Schema.String, uid: Schema.String }) }))
})

describeCluster("a range that is closed while apps run (KUBECONFIG)", () => {
  const before = process.env[setting]
  let wired: WiredServer
  beforeAll(async () => {
    delete process.env[setting]
    wired = await startWiredServer("rollout")
    await wired.server.client.deploy(app)
  }, 180_000)
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(wired.server.output)
  })
  afterAll(async () => {
    if (before === undefined) delete process.env[setting]
    else process.env[setting] = before
    await wired?.close()
  }, 60_000)

  const namespace = () => namespaceFor(wired.organization, app.app)
  const policy = async (name: string) => JSON.stringify(await wired.admin.get(kinds.networkPolicy, namespace(), name))
  const revisions = async () => {
    const answer = await wired.admin.request({ method: "GET", path: pathOf(kinds.revision, namespace()) })
    return Schema.decodeUnknownSync(Names)(answer)
      .items.map((item) => `${item.metadata.name} ${item.metadata.uid}`)
      .sort()
  }
  const generations = async () => {
    const all = await Promise.all(["web", "api"].map((name) => wired.admin.get(kinds.service, namespace(), name)))
    return all.map(generationOf)
  }

  it("takes effect after a restart, in every policy, without a new revision", { timeout: 180_000 }, async () => {
    expect(await policy("web")).not.toContain("8.8.8.0/24")
    const was = [await revisions(), await generations()]
    await wired.server.end("SIGTERM")
    process.env[setting] = "8.8.8.0/24"
    await wired.server.start()
    for (const name of ["web", "api"]) {
      await until(
        `the policy of ${name} excludes the range`,
        () => policy(name),
        (text) => text.includes('"cidr":"8.8.0.0/16","except":["8.8.8.0/24"]')
      )
    }
    await until(
      "nothing is left to roll out",
      () => wired.server.client.plan(app),
      (one) => one.platform.length === 0 && one.changes.every(({ action }) => action === "unchanged")
    )
    expect([await revisions(), await generations()]).toStrictEqual(was)
  })
})
