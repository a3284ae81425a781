import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { type AppSpecEncoded, encodeAppSpec, evaluateConfig, parseAppSpec } from "@maxcloud/config-schema"
import { Effect, Either } from "effect"
import config from "../../../examples/everything/maxcloud.config.ts"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { adminApi, installParts } from "../cluster/serverKubeconfig.ts"
import { namespaceFor } from "../cluster/wiredServer.ts"
import { asAdmin, type ClusterHarness, startClusterHarness } from "../contract/clusterHarness.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"

const stage = "production"
const delay = "autoscaling.knative.dev/scale-down-delay"

describeCluster("the config that uses every feature, on the cluster of KUBECONFIG", () => {
  let harness: ClusterHarness
  let spec: AppSpecEncoded
  beforeAll(async () => {
    harness = await startClusterHarness("everything", {
      MAXCLOUD_MANIFESTS: `ConfigMap,Service:spec.template.metadata.annotations[${delay}]`
    })
    // Includes the rights to ConfigMaps.
    await Effect.runPromise(Effect.provide(installParts(["ConfigMap"]), adminApi))
    const evaluated = await evaluateConfig(config, {
      stage,
      organization: harness.organization,
      runtime: "kubernetes",
      git: undefined
    })
    expect(evaluated.issues).toEqual([])
    const written = encodeAppSpec(Either.getOrThrow(parseAppSpec(evaluated.spec)))
    // The example's images are in no registry: the tests' own program stands in for each.
    const services = written.services.map(({ command, ...service }) => ({
      ...service,
      image: harness.image,
      ...(command === undefined ? {} : { command: ["/workload"] as const })
    }))
    spec = { ...written, services }

    const { client } = harness.server
    await client.secrets.import("everything", { DATABASE_URL: "postgres://db/shop", PASSWORD: "p" }, { stage })
    await client.deploy(
      { app: "billing", services: [{ name: "api", image: harness.image }], exports: { api: { to: ["everything"] } } },
      { stage }
    )
  }, 240_000)
  afterAll(() => harness?.close(), 120_000)

  it("is planned without problems", async () => {
    const { changes, problems } = await harness.server.client.plan(spec, { stage })
    expect(problems).toEqual([])
    expect(changes.map(({ action, service }) => `${action} ${service}`)).toEqual([
      "create grpc",
      "create web",
      "create worker"
    ])
  })

  it("is deployed, with its manifests", { timeout: 240_000 }, async () => {
    const deployment = await harness.server.client.deploy(spec, { stage })
    expect(deployment.services.map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      "grpc ready",
      "web ready",
      "worker ready"
    ])
    const namespace = namespaceFor(harness.organization, "everything")
    expect(await asAdmin({ method: "GET", path: `/api/v1/namespaces/${namespace}/configmaps/settings` })).toMatchObject(
      { data: { mode: "safe" } }
    )
    expect(await asAdmin({ method: "GET", path: pathOf(kinds.service, namespace, "web") })).toMatchObject({
      spec: { template: { metadata: { annotations: { [delay]: "1m" } } } }
    })
    expect(await harness.server.client.apps.outputs("everything", { stage })).toMatchObject({ stage })
  })
})
