import { afterAll, afterEach, beforeAll, expect, it } from "@effect/vitest"
import { type Kind, kinds } from "../../src/runtimes/kubeApi/kinds.ts"
import { until } from "../contract/requests.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { startCommand, startDeploy } from "./commandLine.ts"
import { labelsOf, namespaceFor, small, startWiredServer, versionOf, type WiredServer } from "./wiredServer.ts"

const shop = (version: string) => ({ app: "shop", services: [small("web", { TARGET: version })] })
const container = (env: Readonly<Record<string, string>>) => ({
  spec: {
    template: {
      spec: {
        containers: [
          {
            name: "user-container",
            image: small("web").image,
            env: Object.entries(env).map(([name, value]) => ({ name, value }))
          }
        ]
      }
    }
  }
})

describeCluster("other managers in the cluster (KUBECONFIG)", () => {
  let wired: WiredServer
  beforeAll(async () => {
    wired = await startWiredServer("others")
    await wired.server.client.deploy(shop("1"))
  }, 180_000)
  afterEach(({ task }) => {
    wired.wires.shut(false)
    if (task.result?.state === "fail") console.error(wired.server.output)
  })
  afterAll(async () => {
    const free = [{ op: "remove", path: "/metadata/finalizers" }]
    await wired?.admin
      .patch("kubectl-edit", kinds.configMap, namespaceFor(wired.organization, "shop", "stuck"), "held", free)
      .catch(() => {})
    await wired?.close([namespaceFor(wired.organization, "shop", "theirs")])
  }, 60_000)

  const deploy = (app: unknown, ...args: ReadonlyArray<string>) => startDeploy(wired.server.url, app, args).ended
  const drift = async () => {
    const { stdout } = await startCommand(["drift", "--app", "shop", "--json", "--api-url", wired.server.url]).ended
    const told: { readonly drift: Awaited<ReturnType<typeof wired.server.client.apps.drift>> } = JSON.parse(stdout)
    return told.drift
  }
  const namespace = () => namespaceFor(wired.organization, "shop")

  it("have their changes recorded with their name, and repaired", async () => {
    const own = [
      [kinds.service, "web"],
      [kinds.networkPolicy, "web"],
      [kinds.namespace, namespace()]
    ] as const
    const edits: ReadonlyArray<readonly [Kind, string, string, unknown]> = [
      [kinds.service, "web", "edits-env", container({ TARGET: "theirs" })],
      [kinds.service, "web", "adds-env", container({ TARGET: "1", DEBUG: "1" })],
      [
        kinds.namespace,
        namespace(),
        "opens-namespace",
        { metadata: { labels: { "pod-security.kubernetes.io/enforce": "privileged" } } }
      ]
    ]
    const healed = (manager: string | null, kind: Kind) =>
      until(
        `${manager ?? "a deletion"} of ${kind.kind} is put right`,
        () => wired.server.client.apps.drift("shop"),
        (one) =>
          one.some((object) => object.manager === manager && object.kind === kind.kind && object.healedAt !== null)
      )
    for (const [kind, name, manager, body] of edits) {
      await wired.admin.patch(manager, kind, namespace(), name, body)
      await healed(manager, kind)
    }
    for (const [kind, name] of own.slice(0, 2).reverse()) {
      await wired.admin.remove(kind, namespace(), name)
      await healed(null, kind)
    }
    const service = JSON.stringify(await wired.admin.get(kinds.service, namespace(), "web"))
    expect(service).not.toContain("DEBUG")
    expect(service).toContain('{"name":"TARGET","value":"1"}')
    expect(JSON.stringify(await wired.admin.get(kinds.networkPolicy, namespace(), "web"))).toContain("policyTypes")
    const labels = labelsOf(await wired.admin.get(kinds.namespace, "", namespace()))
    expect(labels["pod-security.kubernetes.io/enforce"]).toBe("baseline")
    const told = await drift()
    expect(
      told.map(({ app, change, kind, manager, name }) => [app, kind, name, change, manager]).reverse()
    ).toStrictEqual([
      ["shop", "Service", "web", "edited", "edits-env"],
      ["shop", "Service", "web", "edited", "adds-env"],
      ["shop", "Namespace", namespace(), "edited", "opens-namespace"],
      ["shop", "NetworkPolicy", "web", "deleted", null],
      ["shop", "Service", "web", "deleted", null]
    ])
    expect(told.every((each) => each.healedAt !== null)).toBe(true)
  }, 180_000)

  it("wait longer and longer for repairs if they repeat their changes", async () => {
    const before = (await wired.server.client.apps.drift("shop")).length
    let fighting = true
    let edits = 0
    const fight = (async () => {
      while (fighting) {
        const policy = await wired.admin.get(kinds.networkPolicy, namespace(), "web")
        if (!JSON.stringify(policy).includes("10.99.99.99/32")) {
          edits++
          const rule = { to: [{ ipBlock: { cidr: "10.99.99.99/32" } }] }
          await wired.admin.patch("fighter", kinds.networkPolicy, namespace(), "web", [
            { op: "add", path: "/spec/egress/-", value: rule }
          ])
        }
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 15_000))
    fighting = false
    await fight
    const told = await wired.server.client.apps.drift("shop")
    expect(edits, "it's repaired").toBeGreaterThanOrEqual(3)
    // Five at once, then after 1, 2, 4, 8 seconds.
    expect(edits).toBeLessThanOrEqual(10)
    expect(told.length - before).toBeLessThanOrEqual(10)
    // The last edit may not have been noticed yet.
    await until(
      "the policy is ours in the end",
      () => wired.admin.get(kinds.networkPolicy, namespace(), "web").then((policy) => JSON.stringify(policy)),
      (policy) => !policy.includes("10.99.99.99/32")
    )
    await until(
      "it's repaired in the end",
      () => wired.server.client.apps.drift("shop"),
      (one) => one.every((each) => each.healedAt !== null),
      60
    )
  }, 120_000)

  it("make a deployment fail if they own a field, unless it has --force-conflicts", async () => {
    // The server mustn't have seen the change, or it would repair it first.
    wired.wires.shut(true)
    await wired.admin.patch("other-tool", kinds.service, namespace(), "web", container({ TARGET: "theirs" }))
    const deploying = startDeploy(wired.server.url, shop("2"))
    await until(
      "the deployment is accepted",
      () => deploying.written.stderr,
      (text) => text.includes("deployment 2 of shop")
    )
    wired.wires.shut(false)
    const refused = await deploying.ended
    expect(refused.code, refused.stderr).toBe(7)
    expect(refused.stderr).toMatch(/FieldConflict/)
    expect(refused.stderr).toMatch(/spec\.template\S* is held by "other-tool"/)
    expect(refused.stderr).toMatch(/--force-conflicts/)
    expect(JSON.stringify(await wired.admin.get(kinds.service, namespace(), "web"))).toContain("theirs")

    const forced = await deploy(shop("2"), "--force-conflicts")
    expect(forced.code, forced.stderr).toBe(0)
    expect(JSON.stringify(await wired.admin.get(kinds.service, namespace(), "web"))).toContain(
      '{"name":"TARGET","value":"2"}'
    )
    // Whether the edit was also noticed as drift depends on whether the watch was back before the repair.
    await until(
      "nothing is left to repair",
      () => wired.server.client.apps.drift("shop"),
      (one) => one.every((each) => each.healedAt !== null)
    )
  }, 90_000)

  it("keep an object with the same name as ours, and the refusal names its owner", async () => {
    const taken = {
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: { name: "taken" },
      spec: { template: { metadata: { annotations: { "autoscaling.knative.dev/initial-scale": "1" } } } }
    }
    const image = small("web").image
    const spec = { template: { spec: { containers: [{ image }] } } }
    const taker = namespaceFor(wired.organization, "taker")
    await wired.server.client.deploy({ app: "taker", services: [small("first")] })
    await wired.admin.create(kinds.service, taker, { ...taken, spec })
    const theirs = namespaceFor(wired.organization, "shop", "theirs")
    await wired.admin.create(kinds.namespace, "", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: theirs, labels: { "app.kubernetes.io/managed-by": "Helm" } }
    })
    const contentOf = async () => {
      const service: unknown = await wired.admin.get(kinds.service, taker, "taken")
      return JSON.stringify([labelsOf(service), JSON.stringify(service).includes("maxcloud.dev")])
    }
    const before = await contentOf()
    const namespaceBefore = versionOf(await wired.admin.get(kinds.namespace, "", theirs))

    const [service, stage] = await Promise.all([
      deploy({ app: "taker", services: [small("first"), small("taken")] }),
      deploy(shop("1"), "--stage", "theirs")
    ])
    for (const { code, stderr } of [service, stage]) {
      expect([6, 7], stderr).toContain(code)
      expect(stderr).toMatch(/NameTaken/)
      expect(stderr).toMatch(/helm/i)
    }
    expect(await contentOf()).toBe(before)
    expect(versionOf(await wired.admin.get(kinds.namespace, "", theirs))).toBe(namespaceBefore)
  }, 90_000)

  it("may be deleting a namespace: a deployment waits for it, and says why", async () => {
    const stuck = namespaceFor(wired.organization, "shop", "stuck")
    const labels = labelsOf(await wired.admin.get(kinds.namespace, "", namespace()))
    await wired.admin.create(kinds.namespace, "", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: stuck, labels: { ...labels, "maxcloud.dev/stage": "stuck" } }
    })
    await wired.admin.create(kinds.configMap, stuck, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "held", finalizers: ["example.com/holds"] }
    })
    await wired.admin.remove(kinds.namespace, "", stuck)
    const deploying = startDeploy(wired.server.url, shop("1"), ["--stage", "stuck"])
    await until(
      "the message names the cause",
      () => deploying.written.stderr,
      (text) => text.includes("has been terminating since") && text.includes("example.com/holds")
    )
    await wired.admin.patch("kubectl-edit", kinds.configMap, stuck, "held", [
      { op: "remove", path: "/metadata/finalizers" }
    ])
    const { code, stderr } = await deploying.ended
    expect(code, stderr).toBe(0)
  }, 120_000)

  it("may have webhooks and policies: a deployment names an unreachable webhook and waits, and reports a policy's refusal", async () => {
    const name = `${wired.organization}-down`
    const webhooks: Kind = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      plural: "validatingwebhookconfigurations",
      namespaced: false
    }
    const scope = { matchLabels: { "kubernetes.io/metadata.name": namespaceFor(wired.organization, "hooked") } }
    await wired.admin.create(webhooks, "", {
      apiVersion: webhooks.apiVersion,
      kind: webhooks.kind,
      metadata: { name },
      webhooks: [
        {
          name: "down.example.com",
          clientConfig: { url: "https://127.0.0.1:1/" },
          namespaceSelector: scope,
          failurePolicy: "Fail",
          sideEffects: "None",
          timeoutSeconds: 2,
          admissionReviewVersions: ["v1"],
          rules: [
            {
              apiGroups: ["networking.k8s.io"],
              apiVersions: ["v1"],
              operations: ["CREATE", "UPDATE"],
              resources: ["networkpolicies"]
            }
          ]
        }
      ]
    })
    try {
      const app = { app: "hooked", services: [small("hooked")] }
      const deploying = startDeploy(wired.server.url, app)
      await until(
        "the message names the webhook",
        () => deploying.written.stderr,
        (text) => text.includes('the admission webhook "down.example.com" is unreachable')
      )
      await wired.admin.remove(webhooks, "", name)
      const { code, stderr } = await deploying.ended
      expect(code, stderr).toBe(0)
    } finally {
      await wired.admin.remove(webhooks, "", name).catch(() => undefined)
    }
    // Knative's own webhook: longer than `max-revision-timeout-seconds`.
    const refusedApp = { app: "slow", services: [{ ...small("slow"), timeout: "1h" }] }
    const refused = await deploy(refusedApp)
    expect(refused.code, refused.stderr).toBe(7)
    expect(refused.stderr).toMatch(/AdmissionRefused/)
    expect(refused.stderr).toMatch(/validation\.webhook\.serving\.knative\.dev/)
  }, 120_000)
})
