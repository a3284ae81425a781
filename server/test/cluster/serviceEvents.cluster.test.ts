import { afterAll, afterEach, beforeAll, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { asAdmin, type ClusterHarness, ingress, startClusterHarness } from "../contract/clusterHarness.ts"
import { ask, until } from "../contract/requests.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { namespaceFor } from "./wiredServer.ts"

const Pods = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({ name: Schema.String, deletionTimestamp: Schema.optional(Schema.String) })
    })
  )
})
const KubeEvents = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      type: Schema.String,
      reason: Schema.String,
      message: Schema.String,
      involvedObject: Schema.Struct({ kind: Schema.String, name: Schema.String, uid: Schema.String })
    })
  )
})
const Identified = Schema.Struct({ metadata: Schema.Struct({ uid: Schema.String }) })

describeCluster("what happens to a service on a cluster (KUBECONFIG)", () => {
  let harness: ClusterHarness
  beforeAll(async () => {
    harness = await startClusterHarness("events")
  }, 120_000)
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(harness.server.output)
  })
  afterAll(() => harness?.close(), 60_000)

  const app = "watched"
  const deploy = (env: Readonly<Record<string, string>>, min = 1) =>
    harness.server.client.deploy({
      app,
      services: [{ ...harness.workload, name: app, cpu: 0.1, memory: "64Mi", scale: { min, max: 3 }, env }]
    })
  const namespace = () => namespaceFor(harness.organization, app)
  const eventsOf = async (type: string) =>
    (await harness.server.client.events.list({ service: app, type, since: "1h" })).map(({ data }) => data)
  const soon = (type: string, count = 1) =>
    until(
      `${count} × ${type}`,
      () => eventsOf(type),
      (events) => events.length >= count,
      90
    )

  it("is told as events, also by the cluster's own on the Knative Service, and once after a restart of the server", {
    timeout: 400_000
  }, async () => {
    await deploy({ VERSION: "1" })
    expect((await soon("service.scaled"))[0]).toMatchObject({ name: app, from: 0, to: 1 })
    const [pulled] = await soon("image.pulled")
    expect(pulled).toMatchObject({ name: app, revision: `${app}-00001`, count: 1 })
    expect(pulled?.["digest"]).toMatch(/^sha256:[0-9a-f]{64}$/)

    const { status } = await harness.server.client.services.get(app)
    expect((await ask(ingress, status.url ?? "", "/exit?code=3")).status).toBe(200)
    expect((await soon("instance.restarted"))[0]).toMatchObject({ name: app, reason: "Failed", exitCode: 3, count: 1 })

    const pods = Schema.decodeUnknownSync(Pods)(await asAdmin({ method: "GET", path: pathOf(kinds.pod, namespace()) }))
    const pod = pods.items.find(({ metadata }) => metadata.deletionTimestamp === undefined)?.metadata.name ?? ""
    await asAdmin({
      method: "POST",
      path: `${pathOf(kinds.pod, namespace(), pod)}/eviction`,
      body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: pod, namespace: namespace() } }
    })
    expect((await soon("instance.evicted"))[0]).toMatchObject({
      name: app,
      instance: pod,
      reason: "NodeDrained",
      count: 1
    })

    const path = pathOf(kinds.service, namespace(), app)
    const body = { spec: { template: { spec: { timeoutSeconds: 77 } } } }
    await asAdmin({
      method: "PATCH",
      path,
      body,
      query: { fieldManager: "kubectl-edit" },
      contentType: "application/merge-patch+json"
    })
    expect((await soon("drift.found"))[0]).toMatchObject({
      name: app,
      object: app,
      change: "edited",
      manager: "kubectl-edit"
    })
    expect((await soon("drift.healed"))[0]).toMatchObject({ name: app })

    await expect(deploy({ VERSION: "2", FAIL: "no-text-of-a-tenant" })).rejects.toThrow()
    const { metadata } = Schema.decodeUnknownSync(Identified)(await asAdmin({ method: "GET", path }))
    /** As `kubectl describe ksvc` asks. */
    const query = { fieldSelector: `involvedObject.uid=${metadata.uid},reportingComponent=maxcloud` }
    const announced = async () =>
      Schema.decodeUnknownSync(KubeEvents)(
        await asAdmin({ method: "GET", path: pathOf(kinds.event, namespace()), query })
      ).items
    const seen = await until(
      "the events on the Knative Service",
      announced,
      (all) =>
        ["DeploymentSucceeded", "DriftHealed", "DeploymentFailed"].every((one) =>
          all.some(({ reason }) => reason === one)
        ),
      60
    )
    const failure = seen.find(({ reason }) => reason === "DeploymentFailed")
    expect(failure?.type).toBe("Warning")
    expect(failure?.message).toMatch(
      /^Deployment 2 failed: [A-Za-z]+\. `maxcloud explain [A-Za-z]+` says how to fix it\.$/
    )
    expect(JSON.stringify(seen)).not.toContain("no-text-of-a-tenant")
    // Our own warnings are no evidence about the service.
    const { diagnosis } = (await harness.server.client.services.get(app)).status
    expect(JSON.stringify(diagnosis)).not.toContain("maxcloud explain")

    // A restarted server sees all of it again, in its lists.
    const types = ["image.pulled", "instance.evicted", "drift.found"] as const
    const before = await Promise.all(types.map(eventsOf))
    await harness.server.end("SIGTERM")
    await harness.server.start()
    await harness.server.client.services.restart(app).catch(() => undefined)
    await until(
      "an event after the restart",
      () => announced(),
      (all) => all.length >= seen.length,
      30
    )
    await new Promise((resolve) => setTimeout(resolve, 10_000))
    const after = await Promise.all(types.map(eventsOf))
    expect(after.map((all) => all.length)).toEqual(before.map((all) => all.length))
    expect((await announced()).length).toBeGreaterThanOrEqual(seen.length)
  })
})
