import { Effect, Option, Schema } from "effect"
import { KubeApi } from "../../runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../runtimes/kubeApi/kinds.ts"
import { managedLabel, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { unlessMissing } from "./applyObjects.ts"
import { readDeployment } from "./deploymentObject.ts"
import { deployments } from "./installKinds.ts"
import { serverName } from "./serverManifests.ts"

const decodeSettings = Schema.decodeUnknownOption(
  Schema.Struct({
    data: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })
  })
)

const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
const secretPath = pathOf(kinds.secret, systemNamespace, serverName)

/** Does the cluster know ServiceMonitors (Prometheus Operator)? */
export const hasServiceMonitors = Effect.flatMap(KubeApi, (api) =>
  unlessMissing(
    api.request({
      method: "GET",
      path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/servicemonitors.monitoring.coreos.com",
      accept: metadataOnly
    })
  )
).pipe(Effect.map(Option.isSome))

/** Does the Secret with the server's settings exist? Its values aren't read. */
export const hasServerSecret = Effect.flatMap(KubeApi, (api) =>
  unlessMissing(api.request({ method: "GET", path: secretPath, accept: metadataOnly }))
).pipe(Effect.map(Option.isSome))

/** How to create that Secret. */
export const createServerSecret = `kubectl -n ${systemNamespace} create secret generic ${serverName} --from-literal=DATABASE_URL=postgres://… --from-literal=MAXCLOUD_MASTER_KEY="$(openssl rand -base64 32)"`

const kubectl = `kubectl -n ${systemNamespace}`

/** The servers that `cluster install --server` has started; none if somebody runs the server in another way. */
export const serverState = Effect.gen(function* () {
  const api = yield* KubeApi
  const answer = yield* unlessMissing(
    api.request({ method: "GET", path: pathOf(deployments, systemNamespace, serverName) })
  )
  const managedBy = "app.kubernetes.io/managed-by"
  const found = Option.filter(
    Option.flatMap(answer, readDeployment),
    ({ metadata }) => metadata.labels[managedBy] === managedLabel[managedBy]
  )
  if (Option.isNone(found)) return { image: undefined, findings: [] }
  const { spec, status } = found.value
  const settings = yield* unlessMissing(
    api.request({ method: "GET", path: pathOf(kinds.configMap, systemNamespace, serverName) })
  )
  const data: Readonly<Record<string, string>> = Option.match(Option.flatMap(settings, decodeSettings), {
    onNone: () => ({}),
    onSome: (read) => read.data
  })
  const findings = [
    ...((yield* hasServerSecret)
      ? []
      : [
          {
            name: "server secret" as const,
            message: `the Secret ${systemNamespace}/${serverName} with the server's settings is missing, so the server can't start`,
            fix: createServerSecret
          }
        ]),
    ...(data["MAXCLOUD_LOGS"] === "s3" || data["MAXCLOUD_LOGS"] === "loki"
      ? []
      : [
          {
            name: "server logs" as const,
            message: `MAXCLOUD_LOGS in ConfigMap ${systemNamespace}/${serverName} isn't s3 or loki, so only one of ${spec.replicas} servers can start`,
            fix: `${kubectl} edit configmap ${serverName}`
          }
        ]),
    ...(status.readyReplicas >= spec.replicas
      ? []
      : [
          {
            name: "servers ready" as const,
            message: `only ${status.readyReplicas} of ${spec.replicas} servers are ready`,
            fix: `${kubectl} logs -l app.kubernetes.io/name=${serverName} --tail 20`
          }
        ])
  ]
  return { image: spec.template.spec.containers[0]?.image, findings }
})
