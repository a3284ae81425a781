import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { OrganizationName, productionStage, ServiceName } from "@maxcloud/config-schema"
import { hostLabelOf, namespaceOf } from "@maxcloud/synth"
import { Effect, ManagedRuntime, Schedule, Schema } from "effect"
import { describeCluster, layerTest } from "../../../test/kubeApi/testCluster.ts"
import { defaultNamespacePrefix, domainTemplateOf } from "../../base/words/namespacePrefix.ts"
import { KubeApi, type KubeRequest } from "../../runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../runtimes/kubeApi/kinds.ts"
import { configMaps } from "./installKinds.ts"
import { livePrefix, refuseOtherPrefix } from "./livePrefix.ts"

const Network = Schema.Struct({ data: Schema.Struct({ "domain-template": Schema.String }) })
const Url = Schema.Struct({ status: Schema.Struct({ url: Schema.String }) })

describeCluster(
  "hosts that Knative gives, on a cluster that `maxcloud cluster install` has prepared (KUBECONFIG)",
  () => {
    const admin = ManagedRuntime.make(layerTest)
    const send = (request: KubeRequest) => admin.runPromise(Effect.flatMap(KubeApi, (api) => api.request(request)))
    const organization = OrganizationName.make(`hosts-${randomBytes(4).toString("hex")}`)
    const place = { organization, stage: productionStage, namespacePrefix: defaultNamespacePrefix }
    /** Of somebody else, with the name that the tenant's namespace would have without its prefix. */
    const foreign: string = organization
    const tenants = namespaceOf(place)
    const ours = { "app.kubernetes.io/managed-by": "maxcloud", "maxcloud.dev/organization": organization }

    beforeAll(async () => {
      for (const [name, labels] of [
        [tenants, ours],
        [foreign, {}]
      ] as const) {
        await send({
          method: "POST",
          path: pathOf(kinds.namespace),
          body: { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } }
        })
        await send({
          method: "POST",
          path: pathOf(kinds.service, name),
          body: {
            apiVersion: "serving.knative.dev/v1",
            kind: "Service",
            // Labels of ours on a service of somebody else: its host is none of ours for it.
            metadata: { name: "web", labels: { ...ours, "maxcloud.dev/stage": productionStage } },
            spec: { template: { spec: { containers: [{ image: "dev.local/hello:1" }] } } }
          }
        })
      }
    })

    afterAll(async () => {
      for (const name of [tenants, foreign]) {
        await send({ method: "DELETE", path: pathOf(kinds.namespace, undefined, name) }).catch(() => undefined)
      }
      await admin.dispose()
    })

    const hostOf = (namespace: string) =>
      admin.runPromise(
        Effect.flatMap(KubeApi, (api) =>
          api.request({ method: "GET", path: pathOf(kinds.service, namespace, "web") })
        ).pipe(
          Effect.flatMap(Schema.decodeUnknown(Url)),
          Effect.retry(Schedule.spaced("200 millis").pipe(Schedule.upTo("30 seconds"))),
          Effect.map((found) => new URL(found.status.url).host)
        )
      )

    it("are those that synth writes, without the prefix of the namespace", async () => {
      const network = await send({ method: "GET", path: pathOf(configMaps, "knative-serving", "config-network") })
      expect(Schema.decodeUnknownSync(Network)(network).data["domain-template"]).toBe(
        domainTemplateOf(defaultNamespacePrefix)
      )
      expect(await hostOf(tenants)).toMatch(new RegExp(`^${hostLabelOf(ServiceName.make("web"), place)}\\.`))
    })

    it("of other people's services have two labels, for any namespace and labels", async () => {
      expect(await hostOf(foreign)).toMatch(new RegExp(`^web\\.${foreign}\\.`))
    })

    it("tell an installation its prefix, and another one is refused while tenants have namespaces without it", async () => {
      expect(await admin.runPromise(livePrefix(undefined))).toBe(defaultNamespacePrefix)
      expect(await admin.runPromise(livePrefix("acme-"))).toBe("acme-")
      for (const [prefix, text] of [
        ["acme-", "acme-"],
        ["", "none"]
      ] as const) {
        expect(await admin.runPromise(Effect.flip(refuseOtherPrefix(prefix)))).toMatchObject({
          _tag: "ClusterProblem",
          message: expect.stringContaining(`have another prefix than "${text}"`),
          fix: expect.stringContaining("docs/kubernetes.md")
        })
      }
    })
  }
)
