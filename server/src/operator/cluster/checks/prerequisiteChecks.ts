import { Effect, Option, Schema } from "effect"
import { configMapData } from "../../../runtimes/kubeApi/configMapData.ts"
import { KubeApi } from "../../../runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../../runtimes/kubeApi/kinds.ts"
import { knativeNamespace } from "../../../runtimes/kubeApi/systemNames.ts"
import { unlessMissing } from "../applyObjects.ts"
import { oldestMinor, tooOld, versionOf } from "../prerequisites.ts"
import type { Check, Fault } from "./Check.ts"

const get = (path: string, query: Readonly<Record<string, string>> = {}) =>
  Effect.flatMap(KubeApi, (api) => unlessMissing(api.request({ method: "GET", path, query })))

const Resources = Schema.Struct({ resources: Schema.Array(Schema.Struct({ name: Schema.String })) })
const Review = Schema.Struct({ status: Schema.Struct({ allowed: Schema.Boolean }) })
const Slices = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      endpoints: Schema.optionalWith(
        Schema.NullOr(
          Schema.Array(
            Schema.Struct({
              conditions: Schema.optionalWith(Schema.Struct({ ready: Schema.optional(Schema.Boolean) }), {
                default: () => ({})
              })
            })
          )
        ),
        { default: () => null }
      )
    })
  )
})
const Created = Schema.Struct({
  metadata: Schema.Struct({
    annotations: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), {
      default: () => ({})
    })
  })
})

const rights = ["clusterroles", "clusterrolebindings"] as const
const installKnative = "install Knative Serving; see docs/kubernetes.md"
const installKourier = "install Kourier (net-kourier) for Knative Serving; see docs/kubernetes.md"
const kourier = "kourier.ingress.networking.knative.dev"

/** Does a Service have an address that takes requests? A Deployment that counts as available may still have none. */
const answers = (name: string, namespace: string, service: string, what: string, install: string): Check => ({
  name,
  shows: `${what} has ready endpoints`,
  needs: ["knative"],
  run: Effect.gen(function* () {
    const found = yield* get(
      pathOf({ apiVersion: "v1", kind: "Service", plural: "services", namespaced: true }, namespace, service)
    )
    if (Option.isNone(found))
      return { message: `there's no Service ${namespace}/${service}, so ${what} is missing`, fix: install }
    const slices = yield* get(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
      labelSelector: `kubernetes.io/service-name=${service}`
    })
    const ready = Option.flatMap(slices, Schema.decodeUnknownOption(Slices)).pipe(
      Option.exists(({ items }) =>
        items.some(({ endpoints }) => (endpoints ?? []).some(({ conditions }) => conditions.ready !== false))
      )
    )
    return ready
      ? undefined
      : {
          message: `${what} runs nowhere: Service ${namespace}/${service} has no ready endpoint`,
          fix: `kubectl -n ${namespace} get pods, and describe those that aren't ready`
        }
  })
})

const probeOf = (containerConcurrency: number) => ({
  apiVersion: "serving.knative.dev/v1",
  kind: "Service",
  metadata: { name: "maxcloud-check", namespace: "default" },
  spec: { template: { spec: { containerConcurrency, containers: [{ image: "dev.local/maxcloud-check:1" }] } } }
})

/** Dry runs go through Knative's webhooks like real requests. */
const dryRun = (containerConcurrency: number) =>
  Effect.flatMap(KubeApi, (api) =>
    api.request({
      method: "POST",
      path: pathOf(kinds.service, "default"),
      query: { dryRun: "All" },
      body: probeOf(containerConcurrency)
    })
  )

const webhookFix = `kubectl -n ${knativeNamespace} get pods -l app=webhook, and check that the API server reaches them`
const isRefused = (reason: string) => reason === "invalid" || reason === "forbidden"

export const prerequisiteChecks: ReadonlyArray<Check> = [
  {
    name: "kubernetes",
    shows: `Kubernetes 1.${oldestMinor} or newer`,
    run: Effect.map(get("/version"), (answer): Fault | undefined => {
      const version = Option.flatMap(answer, versionOf)
      if (Option.isNone(version))
        return { message: "the API server doesn't tell its version", fix: "name an API server of Kubernetes" }
      return tooOld(version.value)
        ? {
            message: `the cluster runs Kubernetes ${version.value.gitVersion}`,
            fix: `upgrade it to 1.${oldestMinor} or newer`
          }
        : undefined
    })
  },
  ...rights.map(
    (resource): Check => ({
      name: `right to install ${resource}`,
      shows: `this user may create ${resource}`,
      needs: ["kubernetes"],
      run: Effect.gen(function* () {
        const api = yield* KubeApi
        const answer = yield* api.request({
          method: "POST",
          path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
          body: {
            apiVersion: "authorization.k8s.io/v1",
            kind: "SelfSubjectAccessReview",
            spec: { resourceAttributes: { group: "rbac.authorization.k8s.io", resource, verb: "create" } }
          }
        })
        return Option.exists(Schema.decodeUnknownOption(Review)(answer), ({ status }) => status.allowed)
          ? undefined
          : { message: `this user may not create ${resource}`, fix: "use a kubeconfig of a cluster administrator" }
      })
    })
  ),
  {
    name: "knative",
    shows: "Knative Serving's kinds exist",
    needs: ["kubernetes"],
    run: Effect.map(get("/apis/serving.knative.dev/v1"), (answer): Fault | undefined => {
      const known = Option.flatMap(answer, Schema.decodeUnknownOption(Resources))
      if (Option.isNone(known))
        return { message: "Knative Serving isn't installed on this cluster", fix: installKnative }
      const names = known.value.resources.map(({ name }) => name)
      const missing = ["services", "routes", "configurations", "revisions"].filter((name) => !names.includes(name))
      return missing.length === 0
        ? undefined
        : { message: `Knative Serving lacks its kinds ${missing.join(", ")}`, fix: installKnative }
    })
  },
  {
    name: "knative webhook accepts",
    shows: "Knative's webhook accepts a service and completes it",
    needs: ["knative"],
    run: Effect.map(dryRun(0), (answer): Fault | undefined =>
      Option.exists(
        Schema.decodeUnknownOption(Created)(answer),
        ({ metadata }) => metadata.annotations["serving.knative.dev/creator"] !== undefined
      )
        ? undefined
        : { message: "Knative's webhook doesn't complete services, so nothing validates them", fix: webhookFix }
    ).pipe(
      Effect.catchTag("KubeError", ({ message }) =>
        Effect.succeed({ message: `Knative's webhook refuses a valid service: ${message}`, fix: webhookFix })
      )
    )
  },
  {
    name: "knative webhook refuses",
    shows: "Knative's webhook refuses an invalid service",
    needs: ["knative webhook accepts"],
    run: dryRun(-1).pipe(
      Effect.as({ message: "Knative's webhook accepts an invalid service", fix: webhookFix }),
      Effect.catchIf(
        (error) => isRefused(error.reason) || error.status === 400,
        () => Effect.succeed(undefined)
      )
    )
  },
  answers("knative activator", knativeNamespace, "activator-service", "Knative's activator", installKnative),
  answers("knative autoscaler", knativeNamespace, "autoscaler", "Knative's autoscaler", installKnative),
  {
    name: "kourier settings",
    shows: "Kourier's ConfigMap exists",
    needs: ["knative"],
    run: Effect.map(get(pathOf(kinds.configMap, knativeNamespace, "config-kourier")), (found): Fault | undefined =>
      Option.isSome(found)
        ? undefined
        : { message: `there's no ConfigMap config-kourier in namespace ${knativeNamespace}`, fix: installKourier }
    )
  },
  {
    name: "kourier ingress class",
    shows: "Knative uses Kourier",
    needs: ["knative"],
    run: Effect.map(get(pathOf(kinds.configMap, knativeNamespace, "config-network")), (found): Fault | undefined => {
      const data = Option.getOrUndefined(Option.flatMap(found, configMapData))
      const ingress = data?.["ingress-class"] ?? data?.["ingress.class"]
      return ingress === kourier
        ? undefined
        : {
            message: `Knative's ingress class is ${ingress ?? "not set"}, not Kourier's`,
            fix: `kubectl -n ${knativeNamespace} patch configmap config-network --type merge -p '{"data":{"ingress-class":"${kourier}"}}'`
          }
    })
  },
  answers("kourier gateway", "kourier-system", "kourier", "Kourier's gateway for the outside", installKourier),
  answers(
    "kourier internal gateway",
    "kourier-system",
    "kourier-internal",
    "Kourier's gateway for calls between services",
    installKourier
  )
]
