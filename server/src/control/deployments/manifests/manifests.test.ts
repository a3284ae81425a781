import { describe, expect } from "@effect/vitest"
import { parseRule, productionStage } from "@maxcloud/config-schema"
import { DeploymentId } from "@maxcloud/sdk/api"
import { type Manifest, refOf, templateOf } from "@maxcloud/synth"
import { Effect } from "effect"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { finished, newOrganization, ownServer, shop } from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { layerAll } from "../../../base/replicas/Shards.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { Deployments } from "../Deployments.ts"

const window = "Service:spec.template.metadata.annotations[autoscaling.knative.dev/window]"
const rulesOf = (...texts: ReadonlyArray<string>) =>
  texts.map((text) => parseRule(text) ?? expect.unreachable(`not a rule: ${text}`))

/** The operator's setting; the tests change it. */
let manifestRules: ReturnType<typeof rulesOf> | undefined
const fake = await Effect.runPromise(makeFakeRuntime)
const { test } = runtimeTests(
  ownServer(fake.layer, { resyncMs: 60_000 }, layerAll, {
    get manifestRules() {
      return manifestRules
    }
  })
)

const patched = (annotations: object) => [
  { patch: "Service", fields: { spec: { template: { metadata: { annotations } } } } }
]
const tenSeconds = patched({ "autoscaling.knative.dev/window": "10s" })
const configMap = (name: string, data: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data })

const specOf = (manifests?: unknown, own?: unknown) => ({
  app: shop,
  services: [{ name: "web", image: "ready:1", ...(manifests === undefined ? {} : { manifests }) }],
  ...(own === undefined ? {} : { manifests: own })
})

const planned = (organization: Organization, spec: unknown) =>
  Effect.flatMap(Deployments, (deployments) =>
    deployments.plan({ organization, app: shop, stage: productionStage, spec })
  )

const accept = (organization: Organization, spec: unknown) =>
  Effect.flatMap(Deployments, (deployments) =>
    deployments.accept({ organization, app: shop, stage: productionStage, from: { spec } })
  )

const deployed = (organization: Organization, spec: unknown) =>
  Effect.flatMap(accept(organization, spec), (accepted) =>
    finished(organization, { id: DeploymentId.make(accepted.id) })
  )

const objectsOf = ({ id }: Organization): ReadonlyArray<Manifest> =>
  [...fake.objects].flatMap(([key, object]) => (key.startsWith(id) ? [object.manifest] : []))

const configMapsOf = (organization: Organization) =>
  objectsOf(organization)
    .filter((manifest) => manifest.kind === "ConfigMap")
    .map((manifest) => refOf(manifest).name)
    .sort()

const templateIn = (organization: Organization) =>
  templateOf(
    objectsOf(organization).find((manifest) => manifest.kind === "Service") ?? expect.unreachable("no service")
  )

describe("manifests of a config", () => {
  test(
    "are refused in plan and deploy if services run without Kubernetes",
    Effect.gen(function* () {
      manifestRules = undefined
      const org = yield* newOrganization
      const spec = specOf(tenSeconds, [configMap("settings", { a: "1" })])
      const { objects, problems } = yield* planned(org, spec)
      expect(problems.map(({ pointer }) => pointer)).toEqual(["/spec/services/0/manifests/0", "/spec/manifests/0"])
      expect(objects).toEqual([])
      expect(yield* Effect.flip(accept(org, spec))).toMatchObject({
        _tag: "InvalidSpec",
        errors: [{ pointer: "/spec/services/0/manifests/0" }, { pointer: "/spec/manifests/0" }]
      })
    })
  )

  test(
    "are refused while the operator allows nothing, by field and setting",
    Effect.gen(function* () {
      manifestRules = []
      const org = yield* newOrganization
      const refused = yield* Effect.flip(accept(org, specOf(tenSeconds, [configMap("settings", {})])))
      expect(refused).toMatchObject({
        _tag: "InvalidSpec",
        errors: [
          { detail: expect.stringContaining(`${window} to MAXCLOUD_MANIFESTS`) },
          { pointer: "/spec/manifests/0/kind" }
        ]
      })
      expect(objectsOf(org)).toEqual([])
    })
  )

  test(
    "are applied, shown in the plan, pruned, and removed with the app",
    Effect.gen(function* () {
      manifestRules = rulesOf(window, "ConfigMap")
      const org = yield* newOrganization
      // A ConfigMap may have the name of a service.
      const first = specOf(tenSeconds, [configMap("web", { a: "1" }), configMap("old", {})])
      expect((yield* planned(org, first)).objects).toEqual([
        {
          kind: "Service",
          name: "web",
          action: "patch",
          fields: [
            {
              path: "spec.template.metadata.annotations[autoscaling.knative.dev/window]",
              before: '"60s"',
              after: '"10s"'
            }
          ]
        },
        { kind: "ConfigMap", name: "web", action: "create", fields: [{ path: "data.a", before: null, after: '"1"' }] },
        { kind: "ConfigMap", name: "old", action: "create", fields: [] }
      ])
      expect((yield* deployed(org, first)).status.state).toBe("succeeded")
      expect(templateIn(org)).toMatchObject({ metadata: { annotations: { "autoscaling.knative.dev/window": "10s" } } })
      expect(configMapsOf(org)).toEqual(["old", "web"])

      const second = specOf(undefined, [configMap("web", { a: "2" })])
      const plan = yield* planned(org, second)
      expect(plan.objects.map(({ action, name }) => `${action} ${name}`)).toEqual(["update web", "delete old"])
      expect(plan.changes).toMatchObject([{ service: "web", action: "update", fields: [{ path: "manifests" }] }])
      yield* deployed(org, second)
      expect(templateIn(org)).toMatchObject({ metadata: { annotations: { "autoscaling.knative.dev/window": "60s" } } })
      expect(configMapsOf(org)).toEqual(["web"])

      // The same again: nothing to do, although only one of the app's own objects is there.
      expect((yield* planned(org, second)).objects).toEqual([])
      yield* deployed(org, { app: shop, services: [] })
      expect(objectsOf(org).filter((manifest) => manifest.kind === "ConfigMap" || manifest.kind === "Service")).toEqual(
        []
      )
    })
  )

  test(
    "stay when a service with an object's name is removed",
    Effect.gen(function* () {
      manifestRules = rulesOf("ConfigMap")
      const org = yield* newOrganization
      const own = [configMap("api", { a: "1" })]
      const spec = specOf(undefined, own)
      yield* deployed(org, { ...spec, services: [...spec.services, { name: "api", image: "ready:1" }] })
      yield* deployed(org, spec)
      expect(configMapsOf(org)).toEqual(["api"])
      expect(objectsOf(org).flatMap((each) => (each.metadata.name === "api" ? [each.kind] : []))).toEqual(["ConfigMap"])
    })
  )
})
