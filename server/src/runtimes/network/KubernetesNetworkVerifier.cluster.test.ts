import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { AppName, productionStage } from "@maxcloud/config-schema"
import { type NetworkProbe, OrganizationId } from "@maxcloud/sdk/api"
import { type Context, Effect, Exit, Layer, Scope } from "effect"
import { buildSync } from "esbuild"
import { serverKubeconfig } from "../../../test/cluster/serverKubeconfig.ts"
import { layerTest as databaseTest } from "../../../test/database/layerTest.ts"
import { layerTest as adminApi, applyTest, describeCluster } from "../../../test/kubeApi/testCluster.ts"
import {
  applyAll,
  newOrganization,
  nodeImage,
  organizationScope,
  proberManifests,
  proberNamespace,
  readyHost,
  testPrefix
} from "../../../test/network/proberCluster.ts"
import { newId } from "../../base/database/newId.ts"
import { layer as kubeApi } from "../kubeApi/HttpKubeApi.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../kubeApi/kinds.ts"
import { tenantBinding } from "../kubeApi/tenantBinding.ts"
import { NetworkVerifier } from "../port/NetworkVerifier.ts"
import { Platform } from "../port/Platform.ts"
import { layer } from "./KubernetesNetworkVerifier.ts"
import { probeLabel } from "./probePod.ts"

const services = { web: { links: ["api"] }, api: { visibility: "internal" }, lone: {} } as const

/** The program of `maxcloud probe` as text for `node -e`. */
const program = buildSync({
  stdin: {
    contents: `import { runProbe } from "./probe.ts"; void runProbe()`,
    resolveDir: import.meta.dirname,
    loader: "ts"
  },
  bundle: true,
  write: false,
  minify: true,
  platform: "node",
  format: "cjs"
}).outputFiles[0]?.text

const app = AppName.make("probers")

describeCluster("verifying the network (KUBECONFIG)", () => {
  const organization = { id: OrganizationId.make(newId("org")), name: newOrganization("verify-a") }
  const namespace = proberNamespace(organization.name)
  const other = newOrganization("verify-b")
  const scope = Effect.runSync(Scope.make())
  let context: Context.Context<KubeApi | SqlClient | NetworkVerifier>
  let admin: Context.Context<KubeApi>
  let asksWhoCalls = false

  const asAdmin = <A, E>(effect: Effect.Effect<A, E, KubeApi | Scope.Scope>) =>
    Effect.runPromise(effect.pipe(Effect.provide(admin), Effect.provideService(Scope.Scope, scope)))

  const verify = (named = app) =>
    Effect.runPromise(
      Effect.flatMap(NetworkVerifier, (networkVerifier) =>
        networkVerifier.verify(organization, named, productionStage)
      ).pipe(Effect.provide(context))
    )

  const keyOf = ({ by, from, to }: NetworkProbe) => `${from} → ${to} by ${by}`

  beforeAll(async () => {
    admin = await Effect.runPromise(Layer.buildWithScope(adminApi, scope))
    const image = await asAdmin(nodeImage)
    for (const name of [organization.name, other]) {
      await asAdmin(organizationScope(name))
      await asAdmin(applyAll(proberManifests(name, image, name === other ? { api: {} } : services)))
      const binding = tenantBinding(proberNamespace(name))
      await asAdmin(applyTest(pathOf(kinds.roleBinding, proberNamespace(name), binding.metadata.name), binding))
    }
    const path = await serverKubeconfig()
    const platform = Layer.succeed(Platform, {
      namespacePrefix: testPrefix,
      domain: "example.com",
      scheme: "http",
      port: undefined,
      podSecurity: "baseline",
      runtimeClass: undefined
    })
    const base = Layer.mergeAll(kubeApi({ source: { type: "file", path } }), databaseTest, platform)
    const all = layer({ systemImage: image, args: [program ?? ""] }).pipe(Layer.provideMerge(base))
    context = await Effect.runPromise(Layer.buildWithScope(all, scope))
    await Effect.runPromise(
      Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* sql`insert into organizations (id, name) values (${organization.id}, ${organization.name})`
        yield* sql`
          insert into app_stages (organization_id, app, stage) values (${organization.id}, ${app}, ${productionStage})`
        for (const [name, fields] of Object.entries(services)) {
          const spec = JSON.stringify({ name, image: "nginx:1.27", ...fields })
          yield* sql`
            insert into services (id, organization_id, app, stage, name, spec, secret_versions, deployment_number)
            values (${`svc_${name}`}, ${organization.id}, ${app}, ${productionStage}, ${name}, ${spec}::json, '{}', 1)`
        }
      }).pipe(Effect.provide(context))
    )
    const ready = [
      ...Object.keys(services).map((name) => [namespace, name] as const),
      [proberNamespace(other), "api"] as const
    ]
    await asAdmin(Effect.forEach(ready, ([at, name]) => readyHost(at, name), { concurrency: 4 }))
    asksWhoCalls = await asAdmin(
      Effect.flatMap(KubeApi, (api) =>
        api.request({ method: "GET", path: "/api/v1/namespaces/knative-serving/configmaps/config-kourier" })
      ).pipe(Effect.map((found) => /"extauthz-host":"[^"]/.test(JSON.stringify(found))))
    )
  }, 120_000)

  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)), 60_000)

  const isDifferent = ({ actual, expected }: NetworkProbe) => actual !== expected

  it("matches the config, as far as the gateway checks its callers", { timeout: 60_000 }, async () => {
    const { differences, probes } = await verify()
    const by = new Map(probes.map((probe) => [keyOf(probe), probe]))
    for (const way of ["url", "host"]) expect(by.get(`web → api by ${way}`)).toMatchObject({ actual: "allowed" })
    for (const from of Object.keys(services)) {
      for (const to of ["web", "api", "lone", "another organization"]) {
        expect(by.get(`${from} → ${to} by pod`), `${from} → ${to}`).toMatchObject({
          expected: "denied",
          actual: "denied"
        })
      }
      for (const way of [
        ...["API server", "node", "activator", "autoscaler", "cloud metadata", "another organization's revision"].map(
          (name) => `${name} by address`
        ),
        ...["API server", "activator", "autoscaler", "cloud metadata"].map((name) => `${name} by host`),
        "another organization's revision by activator"
      ]) {
        expect(by.get(`${from} → ${way}`), way).toMatchObject({ expected: "denied", actual: "denied" })
      }
      expect(by.get(`${from} → DNS by address`)).toMatchObject({ actual: "allowed" })
    }
    const wrong = probes.filter(isDifferent)
    expect(differences).toBe(wrong.length)
    // A pod that may reach the gateway may name any Host there, unless the gateway checks who calls.
    const byHostAlone = ["web", "lone", "another organization"].flatMap((to) => [
      `web → ${to} by url`,
      `web → ${to} by host`
    ])
    if (asksWhoCalls) expect(wrong.map((each) => `${keyOf(each)}: ${each.actual}, ${each.detail}`)).toEqual([])
    else expect(wrong.map(keyOf).sort()).toEqual(byHostAlone.sort())
  })

  it("finds an opened path, and leaves nothing behind", { timeout: 60_000 }, async () => {
    const name = "opened-by-somebody"
    const open = {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name, namespace },
      spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [{}], egress: [{}] }
    }
    await asAdmin(applyTest(pathOf(kinds.networkPolicy, namespace, name), open))
    const { probes } = await verify()
    const wrong = new Set(probes.filter(isDifferent).map(keyOf))
    for (const found of [
      "lone → api by pod",
      "api → web by pod",
      "lone → node by address",
      "web → API server by address"
    ]) {
      expect([...wrong]).toContain(found)
    }
    await asAdmin(
      Effect.flatMap(KubeApi, (api) =>
        api.request({ method: "DELETE", path: pathOf(kinds.networkPolicy, namespace, name) })
      )
    )
    const left = await asAdmin(
      Effect.flatMap(KubeApi, (api) =>
        api.request({ method: "GET", path: pathOf(kinds.pod, namespace), query: { labelSelector: probeLabel } })
      )
    )
    expect(left).toMatchObject({ items: [] })
  })

  it("is refused for an app that doesn't exist", async () => {
    await expect(verify(AppName.make("nothing"))).rejects.toThrow(/has no services/)
  })
})
