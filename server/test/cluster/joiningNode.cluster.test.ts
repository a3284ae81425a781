import { randomBytes } from "node:crypto"
import { afterAll, afterEach, beforeAll, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { until } from "../contract/requests.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { namespaceFor, small, startWiredServer, type WiredServer } from "./wiredServer.ts"

const settings = {
  MAXCLOUD_PRIVATE_EGRESS_RANGES: "10.77.0.0/16",
  // Range of the test cluster's pods, which no node reports.
  MAXCLOUD_CLOSED_RANGES: process.env["MAXCLOUD_CLOSED_RANGES"] ?? "10.240.0.0/16"
}
const app = { app: "shop", services: [{ ...small("web"), egress: ["10.77.0.0/16"] }] }

const Generation = Schema.Struct({ metadata: Schema.Struct({ generation: Schema.Int }) })
const generationOf = (object: unknown) => Schema.decodeUnknownSync(Generation)(object).metadata.generation
const Names = Schema.Struct({
  items: Schema.Array(Schema.Struct({ metadata: Schema.Struct({ name: Schema.String }) }))
})

/**
 * A node without a kubelet, and a pod supposedly running on it: mere objects, which change what the cluster reports about itself.
 */
const name = `mc-test-${randomBytes(3).toString("hex")}`
const nodes = "/api/v1/nodes"
const pods = "/api/v1/namespaces/default/pods"

describeCluster("a node that joins while a server runs (KUBECONFIG)", () => {
  const before = Object.keys(settings).map((name) => [name, process.env[name]] as const)
  let wired: WiredServer
  beforeAll(async () => {
    Object.assign(process.env, settings)
    wired = await startWiredServer("joining")
    await wired.server.client.deploy(app)
  }, 180_000)
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(wired.server.output)
  })
  const removeBoth = () =>
    Promise.allSettled([
      wired.admin.request({ method: "DELETE", path: `${pods}/${name}`, query: { gracePeriodSeconds: "0" } }),
      wired.admin.request({ method: "DELETE", path: `${nodes}/${name}` })
    ])
  afterAll(async () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    await removeBoth()
    await wired?.close()
  }, 60_000)

  const create = (path: string, body: unknown) => wired.admin.request({ method: "POST", path, body })
  const status = (path: string, body: unknown) =>
    wired.admin.request({
      method: "PATCH",
      path: `${path}/${name}/status`,
      contentType: "application/merge-patch+json",
      body: { status: body }
    })
  const namespace = () => namespaceFor(wired.organization, app.app)
  const policy = async () => JSON.stringify(await wired.admin.get(kinds.networkPolicy, namespace(), "web"))
  const versions = async () => {
    const answer = await wired.admin.request({ method: "GET", path: pathOf(kinds.revision, namespace()) })
    const revisions = Schema.decodeUnknownSync(Names)(answer).items.map((item) => item.metadata.name)
    return [revisions.sort(), generationOf(await wired.admin.get(kinds.service, namespace(), "web"))]
  }

  it("is excluded from every policy, without a restart or a new revision", { timeout: 180_000 }, async () => {
    const was = await versions()
    expect(await policy()).toContain('"cidr":"10.77.0.0/16"')
    expect(await policy()).not.toContain("10.77.5.0/24")
    await create(nodes, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name },
      spec: { podCIDR: "10.77.5.0/24", podCIDRs: ["10.77.5.0/24"], unschedulable: true }
    })
    await status(nodes, { addresses: [{ type: "InternalIP", address: "10.77.9.9" }] })
    await until(
      "the policy excludes the range",
      policy,
      (text) => text.includes("10.77.5.0/24") && text.includes("10.77.9.9/32"),
      90
    )
    await until(
      "nothing is left to roll out",
      () => wired.server.client.plan(app),
      (one) => one.platform.length === 0 && one.changes.every(({ action }) => action === "unchanged")
    )
    expect(await versions()).toStrictEqual(was)
  })

  it("closes private ranges while no known range contains its pods", { timeout: 240_000 }, async () => {
    await create(pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: {
        nodeName: name,
        automountServiceAccountToken: false,
        containers: [{ name: "web", image: "dev.local/none" }]
      }
    })
    await status(pods, { phase: "Running", podIP: "10.78.0.5", podIPs: [{ ip: "10.78.0.5" }] })
    const plan = () => wired.server.client.plan(app)
    const refused = await until("the range is refused", plan, (one) => one.problems.length > 0, 90)
    expect(refused.problems[0]?.detail ?? "").toMatch(
      /10\.77\.0\.0\/16" is private .*no known range contains 10\.78\.0\.5.*MAXCLOUD_CLOSED_RANGES; `maxcloud cluster check`/
    )
    const error = await wired.server.client.deploy(app).then(
      () => undefined,
      (thrown: unknown) => thrown
    )
    expect(String(error)).toMatch(/MAXCLOUD_CLOSED_RANGES/)
    await until("the policy opens nothing", policy, (text) => !text.includes('"cidr":"10.77.0.0/16"'), 60)
    await removeBoth()
    await until("the range is known again", plan, (one) => one.problems.length === 0, 90)
    await until("the policy opens it", policy, (text) => text.includes('"cidr":"10.77.0.0/16"'), 60)
    // A range that has just left stays closed for an hour.
    expect(await policy()).toContain("10.77.5.0/24")
  })
})
