import { afterAll, afterEach, beforeAll, expect, it } from "@effect/vitest"
import { type ObjectKind, object, patch } from "@maxcloud/config-schema"
import { Effect, Schema } from "effect"
import { type Kind, kinds } from "../../src/runtimes/kubeApi/kinds.ts"
import { until } from "../contract/requests.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { adminApi, installParts } from "./serverKubeconfig.ts"
import { namespaceFor, small, startWiredServer, type WiredServer } from "./wiredServer.ts"

const setting = "MAXCLOUD_MANIFESTS"
const window = "autoscaling.knative.dev/window"
const pod = "Service:spec.template.spec"
const rules = [
  "ConfigMap",
  "PodDisruptionBudget",
  `Service:spec.template.metadata.annotations[${window}]`,
  `${pod}.volumes`,
  `${pod}.containers[user-container].volumeMounts`,
  `${pod}.containers[user-container].securityContext.readOnlyRootFilesystem`
].join(",")

/** Grants the rights like `maxcloud cluster install --manifests`. */
const installWith = (objects: ReadonlyArray<ObjectKind>) =>
  Effect.runPromise(Effect.provide(installParts(objects), adminApi))

const patched = patch("Service", {
  spec: {
    template: {
      metadata: { annotations: { [window]: "10s" } },
      spec: {
        volumes: [{ name: "settings", configMap: { name: "settings" } }],
        containers: [
          {
            securityContext: { readOnlyRootFilesystem: true },
            volumeMounts: [{ name: "settings", mountPath: "/etc/settings" }]
          }
        ]
      }
    }
  }
})
const settings = object({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings" },
  data: { "app.conf": "a = 1" }
})
const budget = object({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "web" },
  spec: { minAvailable: 1, selector: { matchLabels: { "maxcloud.dev/service": "web" } } }
})
const plain = { app: "shop", services: [small("web")] }
const app = {
  ...plain,
  services: [{ ...small("web"), manifests: [patched] }],
  manifests: [settings, budget]
}

/** In seconds. The server checks these kinds once a minute instead of watching them. */
const untilSwept = 120

const Template = Schema.Struct({ spec: Schema.Struct({ template: Schema.Unknown }) })
const templateOf = (service: unknown) => Schema.decodeUnknownSync(Template)(service).spec.template

describeCluster("manifests of a config (KUBECONFIG)", () => {
  const before = process.env[setting]
  let wired: WiredServer
  beforeAll(async () => {
    process.env[setting] = rules
    wired = await startWiredServer("manifests")
  }, 180_000)
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(wired.server.output)
  })
  afterAll(async () => {
    if (before === undefined) delete process.env[setting]
    else process.env[setting] = before
    await wired?.close()
    await installWith([])
  }, 60_000)

  const namespace = () => namespaceFor(wired.organization, app.app)
  const get = (kind: Kind, name: string) => wired.admin.get(kind, namespace(), name)
  const isThere = (kind: Kind, name: string) =>
    get(kind, name).then(
      () => true,
      () => false
    )

  it("are a problem of the plan while the server lacks the rights", { timeout: 60_000 }, async () => {
    const { problems } = await wired.server.client.plan(app)
    const messages = problems.map((problem) => problem.detail).join("\n")
    expect(messages).toMatch(/ConfigMap ".*settings": the server lacks a permission.*cluster install --manifests/)
    expect(messages).toMatch(/PodDisruptionBudget ".*web": the server lacks a permission/)
  })

  it("are applied, repaired, pruned, and removed with the app", { timeout: 300_000 }, async () => {
    await installWith(["ConfigMap", "PodDisruptionBudget"])
    await wired.server.end("SIGTERM")
    await wired.server.start()
    const plan = await wired.server.client.plan(app)
    expect(plan.problems).toEqual([])
    expect(plan.objects.map(({ action, kind, name }) => `${action} ${kind} ${name}`)).toEqual([
      "patch Service web",
      "create ConfigMap settings",
      "create PodDisruptionBudget web"
    ])
    expect((await wired.server.client.deploy(app)).status.state).toBe("succeeded")
    expect(templateOf(await get(kinds.service, "web"))).toMatchObject({
      metadata: { annotations: { [window]: "10s" } },
      spec: {
        volumes: [{ name: "settings" }],
        containers: [{ securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false } }]
      }
    })
    expect(await get(kinds.configMap, "settings")).toMatchObject({
      metadata: { labels: { "app.kubernetes.io/managed-by": "maxcloud", "maxcloud.dev/app": "shop" } },
      data: settings.data
    })
    expect(await get(kinds.podDisruptionBudget, "web")).toMatchObject({ spec: { minAvailable: 1 } })
    expect((await wired.server.client.plan(app)).changes).toMatchObject([{ action: "unchanged" }])

    await wired.admin.patch("kubectl-edit", kinds.configMap, namespace(), "settings", { data: { "app.conf": "a = 2" } })
    await until(
      "the ConfigMap is repaired",
      () => get(kinds.configMap, "settings").then((found) => JSON.stringify(found)),
      (text) => text.includes('"app.conf":"a = 1"'),
      untilSwept
    )
    await wired.admin.remove(kinds.podDisruptionBudget, namespace(), "web")
    await until("the budget is made again", () => isThere(kinds.podDisruptionBudget, "web"), Boolean, untilSwept)

    await wired.server.client.deploy({ ...plain, manifests: [budget] })
    expect(await isThere(kinds.configMap, "settings")).toBe(false)
    expect(await isThere(kinds.podDisruptionBudget, "web")).toBe(true)
    const template = JSON.stringify(templateOf(await get(kinds.service, "web")))
    expect(template).toContain(`"${window}":"6s"`)
    expect(template).not.toContain("settings")

    await wired.server.client.apps.destroy("shop")
    for (const kind of [kinds.service, kinds.podDisruptionBudget]) {
      await until(
        `the ${kind.kind} is removed`,
        () => isThere(kind, "web"),
        (there) => !there
      )
    }
  })

  it("are refused if the operator doesn't allow them, even if the cluster would accept them", async () => {
    const metadata = { annotations: { "example.com/a": "b" } }
    const service = { ...small("web"), manifests: [patch("Service", { spec: { template: { metadata } } })] }
    await expect(wired.server.client.deploy({ ...plain, services: [service] })).rejects.toMatchObject({
      _tag: "InvalidSpec",
      errors: [{ detail: expect.stringContaining("MAXCLOUD_MANIFESTS") }]
    })
    expect(await isThere(kinds.service, "web")).toBe(false)
  })
})
