import { Effect, Option, Schema } from "effect"
import { configMapData } from "../../runtimes/kubeApi/configMapData.ts"
import { KubeApi } from "../../runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../runtimes/kubeApi/kinds.ts"
import { managedLabel, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { unlessMissing } from "./applyObjects.ts"
import { type Container, readDeployment } from "./deploymentObject.ts"
import { deployments } from "./installKinds.ts"
import { serverName } from "./serverManifests.ts"

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

const setting = "MAXCLOUD_LOGS"
const isShared = (value: string | undefined): boolean => value === "s3" || value === "loki"

const decodeOwners = Schema.decodeUnknownOption(
  Schema.Struct({
    metadata: Schema.Struct({
      managedFields: Schema.Array(
        Schema.Struct({
          fieldsV1: Schema.optionalWith(
            Schema.Struct({
              "f:data": Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.Unknown }), {
                default: () => ({})
              })
            }),
            { default: () => ({ "f:data": {} }) }
          )
        })
      )
    })
  })
)

/** Does this Secret have the setting? Its metadata names its keys (`managedFields`), so no value is read. */
const isInSecret = (name: string) =>
  Effect.flatMap(KubeApi, (api) =>
    unlessMissing(
      api.request({ method: "GET", path: pathOf(kinds.secret, systemNamespace, name), accept: metadataOnly })
    )
  ).pipe(
    Effect.map((found) =>
      Option.exists(Option.flatMap(found, decodeOwners), ({ metadata }) =>
        metadata.managedFields.some(({ fieldsV1 }) => Object.hasOwn(fieldsV1["f:data"], `f:${setting}`))
      )
    )
  )

const inConfigMap = (name: string) =>
  Effect.flatMap(KubeApi, (api) =>
    unlessMissing(api.request({ method: "GET", path: pathOf(kinds.configMap, systemNamespace, name) }))
  ).pipe(
    Effect.map((found): string | undefined => Option.getOrUndefined(Option.flatMap(found, configMapData))?.[setting])
  )

/** Do the servers share their logs, as their container gets the setting? One that comes from a Secret is taken for right. */
export const sharesLogs = ({ env, envFrom }: Container) =>
  Effect.gen(function* () {
    const own = env.findLast(({ name }) => name === setting)
    if (own !== undefined) return own.value === undefined || isShared(own.value)
    for (const { configMapRef, secretRef } of envFrom.toReversed()) {
      if (secretRef !== undefined && (yield* isInSecret(secretRef.name))) return true
      const value = configMapRef === undefined ? undefined : yield* inConfigMap(configMapRef.name)
      if (value !== undefined) return isShared(value)
    }
    return false
  })

/** How to create that Secret. */
export const createServerSecret = `kubectl -n ${systemNamespace} create secret generic ${serverName} --from-literal=DATABASE_URL=postgres://… --from-literal=MAXCLOUD_MASTER_KEY="$(openssl rand -base64 32)"`

/** The Deployment of the servers that `cluster install --server` has started; none if somebody runs the server in another way. */
export const serverDeployment = Effect.gen(function* () {
  const api = yield* KubeApi
  const answer = yield* unlessMissing(
    api.request({ method: "GET", path: pathOf(deployments, systemNamespace, serverName) })
  )
  const managedBy = "app.kubernetes.io/managed-by"
  return Option.filter(
    Option.flatMap(answer, readDeployment),
    ({ metadata }) => metadata.labels[managedBy] === managedLabel[managedBy]
  )
})
