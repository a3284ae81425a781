import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import { hostLabelOf, namespaceOf } from "@maxcloud/synth"
import { Effect, ManagedRuntime, Schedule, Schema } from "effect"
import { describeCluster, layerTest } from "../../../test/kubeApi/testCluster.ts"
import { defaultNamespacePrefix, domainTemplateOf } from "../../base/words/namespacePrefix.ts"
import { KubeApi, type KubeRequest } from "../../runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../runtimes/kubeApi/kinds.ts"
import { livePrefix, refuseOtherPrefix } from "./livePrefix.ts"

const Network = Schema.Struct({ data: Schema.Struct({ "domain-template": Schema.String }) })
const Route = Schema.Struct({
  status: Schema.Struct({
    url: Schema.String,
    traffic: Schema.Array(Schema.Struct({ url: Schema.optional(Schema.String) })).pipe(Schema.minItems(1))
  })
})

describeCluster(
  "hosts that Knative gives, on a cluster that `maxcloud cluster install` has prepared (KUBECONFIG)",
  () => {
    const admin = ManagedRuntime.make(layerTest)
    const send = (request: KubeRequest) => admin.runPromise(Effect.flatMap(KubeApi, (api) => api.request(request)))
    const organization = OrganizationName.make(`hosts-${randomBytes(4).toString("hex")}`)
    const place = (stage: string) => ({
      organization,
      app: AppName.make("shop"),
      stage: StageName.make(stage),
      namespacePrefix: defaultNamespacePrefix
    })
    /** Somebody else's, with the name that the tenant's namespace would have without its prefix. */
    const foreign = `shop--${organization}`
    const tenants = ["production", "dev"].map((stage) => namespaceOf(place(stage)))
    const ours = {
      "app.kubernetes.io/managed-by": "maxcloud",
      "maxcloud.dev/organization": organization,
      "maxcloud.dev/app": "shop"
    }

    beforeAll(async () => {
      for (const [namespace, labels] of [...tenants.map((name) => [name, ours] as const), [foreign, {}]] as const) {
        await send({
          method: "POST",
          path: pathOf(kinds.namespace),
          body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } }
        })
        for (const name of ["web", "shop"]) {
          await send({
            method: "POST",
            path: pathOf(kinds.service, namespace),
            body: {
              apiVersion: "serving.knative.dev/v1",
              kind: "Service",
              // Our labels on somebody else's service don't give it one of our hosts.
              metadata: { name, labels: { ...ours, "maxcloud.dev/service": name } },
              spec: {
                template: { spec: { containers: [{ image: "dev.local/hello:1" }] } },
                traffic: [{ latestRevision: true, percent: 100, tag: "v1" }]
              }
            }
          })
        }
      }
    })

    afterAll(async () => {
      for (const name of [...tenants, foreign]) {
        await send({ method: "DELETE", path: pathOf(kinds.namespace, undefined, name) }).catch(() => undefined)
      }
      await admin.dispose()
    })

    const hostsOf = (namespace: string, service: string) =>
      admin.runPromise(
        Effect.flatMap(KubeApi, (api) =>
          api.request({ method: "GET", path: pathOf(kinds.route, namespace, service) })
        ).pipe(
          Effect.flatMap(Schema.decodeUnknown(Route)),
          Effect.retry(Schedule.spaced("200 millis").pipe(Schedule.upTo("60 seconds"))),
          Effect.map(({ status }) =>
            [status.url, ...status.traffic.flatMap(({ url }) => url ?? [])].map((url) => new URL(url).host)
          )
        )
      )
    const domainOf = (host: string) => host.slice(host.indexOf("."))

    it("are those that synth writes, without the prefix of the namespace", async () => {
      const network = await send({ method: "GET", path: pathOf(kinds.configMap, "knative-serving", "config-network") })
      expect(Schema.decodeUnknownSync(Network)(network).data["domain-template"]).toBe(
        domainTemplateOf(defaultNamespacePrefix)
      )
      for (const [stage, namespace] of [
        ["production", tenants[0] ?? ""],
        ["dev", tenants[1] ?? ""]
      ] as const) {
        for (const service of ["web", "shop"]) {
          const hosts = await hostsOf(namespace, service)
          const of = (tag?: string) => hostLabelOf(ServiceName.make(service), place(stage), tag)
          expect(hosts).toEqual([of(), of("v1")].map((label) => `${label}${domainOf(hosts[0] ?? "")}`))
        }
      }
    }, 120_000)

    it("of other people's services have two labels, for any namespace and labels", async () => {
      const hosts = await hostsOf(foreign, "shop")
      for (const host of hosts) expect(host).toMatch(new RegExp(`^(v1---)?shop\\.${foreign}\\.`))
    }, 120_000)

    it("show an installation its prefix, and it refuses another one while tenants have namespaces without it", async () => {
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
