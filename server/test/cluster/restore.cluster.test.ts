import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { until } from "../contract/requests.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { namespaceFor, small, startWiredServer, type WiredServer } from "./wiredServer.ts"

const settings = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true } as const
const decodeSettings = Schema.decodeUnknownSync(
  Schema.Struct({ data: Schema.Record({ key: Schema.String, value: Schema.String }) })
)
const decodePods = Schema.decodeUnknownSync(Schema.Struct({ items: Schema.Array(Schema.Unknown) }))

describeCluster("a namespace that somebody deletes (KUBECONFIG)", () => {
  let wired: WiredServer
  beforeAll(async () => {
    wired = await startWiredServer("lost")
    await wired.admin.patch("maxcloud-install", settings, "knative-serving", "config-autoscaler", {
      data: { "allow-zero-initial-scale": "true" }
    })
  }, 120_000)
  afterAll(() => wired?.close(), 60_000)

  const states = async () => (await wired.server.client.services.list()).map(({ status }) => status.state)
  const initialScale = async () =>
    decodeSettings(await wired.admin.get(settings, "knative-serving", "config-autoscaler")).data["initial-scale"]

  it("comes back with its idle services at zero, and Knative's setting as before", { timeout: 400_000 }, async () => {
    const before = await initialScale()
    const namespace = namespaceFor(wired.organization, "shop")
    await wired.server.client.deploy({ app: "shop", services: [small("one"), small("two"), small("three")] })
    await until("all are idle", states, (all) => all.length === 3 && all.every((state) => state === "idle"), 150)
    await until(
      "their instances are gone",
      async () => decodePods(await wired.admin.request({ method: "GET", path: pathOf(kinds.pod, namespace) })).items,
      (items) => items.length === 0,
      150
    )
    await wired.admin.remove(kinds.namespace, "", namespace)
    const seen = new Set<string>()
    let pods = 0
    await until(
      "it is back",
      async () => {
        const all = await states()
        for (const state of all) seen.add(state)
        const listed = await wired.admin.request({ method: "GET", path: pathOf(kinds.pod, namespace) })
        pods = Math.max(pods, decodePods(listed).items.length)
        return all
      },
      (all) => seen.has("restoring") && all.every((state) => state === "idle"),
      150
    )
    expect(pods).toBe(0)
    await until("the setting is as before", initialScale, (now) => now === before)
  })

  it("comes back with its instances, although Kubernetes deletes pods first", { timeout: 400_000 }, async () => {
    const namespace = namespaceFor(wired.organization, "busy")
    // Pods of a namespace get their whole grace period, which Knative takes from the timeout.
    const web = { ...small("web"), timeout: "10s", scale: { min: 0, max: 1, idle: "1h" } }
    await wired.server.client.deploy({ app: "busy", services: [web] })
    const status = async () => (await wired.server.client.services.list({ app: "busy" })).map((one) => one.status)
    await until("it runs", status, ([one]) => one?.state === "ready" && one.instances === 1, 60)
    await wired.admin.remove(kinds.namespace, "", namespace)
    const counts: Array<number> = []
    const seen = new Set<string>()
    await until(
      "it is restored",
      async () => {
        const [one] = await status()
        if (one !== undefined && one.state !== "pending") counts.push(one.instances)
        if (one !== undefined) seen.add(one.state)
        return one
      },
      (one) => seen.has("restoring") && (one?.state === "ready" || one?.state === "idle"),
      150
    )
    expect(counts).not.toContain(0)
    expect((await status()).map(({ state }) => state)).toEqual(["ready"])
  })
})
