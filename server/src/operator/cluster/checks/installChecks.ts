import type { Manifest } from "@maxcloud/synth"
import { Effect, Option, Schema } from "effect"
import { KubeApi } from "../../../runtimes/kubeApi/KubeApi.ts"
import { pathOf } from "../../../runtimes/kubeApi/kinds.ts"
import { gatewayName, knativeNamespace, serverUser, systemNamespace } from "../../../runtimes/kubeApi/systemNames.ts"
import { findClusterRanges } from "../../../runtimes/network/clusterRanges.ts"
import { applyObject, unlessMissing } from "../applyObjects.ts"
import { readDeployment } from "../deploymentObject.ts"
import { nameOf } from "../install.ts"
import { deployments } from "../installKinds.ts"
import type { KnativeSetting } from "../knativeSettings.ts"
import { isSet, readSettings, valueText } from "../liveSettings.ts"
import type { Check, Fault } from "./Check.ts"

const again = "maxcloud cluster install"

/** Each object of an installation, compared by a dry run. */
export const objectCheck = (manifest: Manifest): Check => ({
  name: nameOf(manifest),
  shows: "is as installed",
  needs: ["kubernetes"],
  run: Effect.map(applyObject(manifest, { dryRun: true, force: true }), (step): Fault | undefined =>
    step === "unchanged"
      ? undefined
      : {
          message:
            step === "created"
              ? `${nameOf(manifest)} is missing`
              : `${nameOf(manifest)} differs from what was installed`,
          fix: again
        }
  )
})

/** Each value in Knative's ConfigMaps that max-cloud needs. */
export const settingCheck = (setting: KnativeSetting): Check => ({
  name: `${setting.configMap} ${setting.key}`,
  shows: setting.why,
  needs: setting.configMap === "config-kourier" ? ["kourier settings"] : ["knative"],
  run: Effect.map(readSettings([setting]), ([live]): Fault | undefined =>
    live === undefined || isSet(live)
      ? undefined
      : {
          message: `${setting.key} in ConfigMap ${knativeNamespace}/${setting.configMap} is ${valueText(live)}, not "${setting.value}" (${setting.why})`,
          fix: again
        }
  )
})

const authorizer = Effect.gen(function* () {
  const api = yield* KubeApi
  const answer = yield* unlessMissing(
    api.request({ method: "GET", path: pathOf(deployments, systemNamespace, gatewayName) })
  )
  return Option.flatMap(answer, readDeployment)
})

/** The image of the installed authorizer: it shows how max-cloud was installed. */
export const installedImage = Effect.map(authorizer, (found) =>
  Option.getOrUndefined(Option.map(found, ({ spec }) => spec.template.spec.containers[0]?.image))
)

export const authorizerChecks: ReadonlyArray<Check> = [
  {
    name: "authorizer installed",
    shows: "the gateway asks who may call whom",
    needs: ["kubernetes"],
    run: Effect.map(authorizer, (found): Fault | undefined =>
      Option.isSome(found)
        ? undefined
        : {
            message:
              "the gateway has no authorizer, so a pod that can call one internal service can call any other, including other organizations'",
            fix: `${again} --image REF`
          }
    )
  },
  {
    name: "authorizer ready",
    shows: "every instance of the gateway's authorizer is ready",
    needs: ["authorizer installed"],
    run: Effect.map(authorizer, (found): Fault | undefined => {
      if (Option.isNone(found)) return undefined
      const { spec, status } = found.value
      return status.readyReplicas >= spec.replicas
        ? undefined
        : {
            message: `only ${status.readyReplicas} of ${spec.replicas} instances of the gateway's authorizer are ready${status.readyReplicas === 0 ? ", so every request is refused" : ""}`,
            fix: `kubectl -n ${systemNamespace} describe pods -l app.kubernetes.io/name=${gatewayName}`
          }
    })
  }
]

const Review = Schema.Struct({ status: Schema.Struct({ allowed: Schema.Boolean }) })

const serverMay = (name: string, verb: string, group: string, resource: string, wanted: boolean): Check => ({
  name,
  shows: `the server ${wanted ? "may" : "may not"} ${verb} ${resource} in the whole cluster`,
  needs: ["kubernetes"],
  run: Effect.gen(function* () {
    const api = yield* KubeApi
    const answer = yield* api.request({
      method: "POST",
      path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
      body: {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: { user: serverUser, resourceAttributes: { group, resource, verb } }
      }
    })
    const allowed = Option.exists(Schema.decodeUnknownOption(Review)(answer), ({ status }) => status.allowed)
    if (allowed === wanted) return undefined
    return wanted
      ? { message: `the server may not ${verb} ${resource}`, fix: again }
      : {
          message: `the server may ${verb} ${resource} in the whole cluster, which it never needs`,
          fix: `revoke it. This shows its binding: kubectl get clusterrolebindings -o wide | grep ${serverUser.split(":").at(-1)}`
        }
  })
})

/** What the server's account may do, as the API server decides it. */
export const rightChecks: ReadonlyArray<Check> = [
  serverMay("server creates namespaces", "create", "", "namespaces", true),
  serverMay("server watches services", "watch", "serving.knative.dev", "services", true),
  serverMay("server watches pods", "watch", "", "pods", true),
  serverMay("server reads no secrets", "list", "", "secrets", false)
]

/**
 * Cluster addresses known neither from the cluster nor from the operator. Without them no private range can be opened
 * safely.
 */
export const rangeChecks = (closedRanges: ReadonlyArray<string>): ReadonlyArray<Check> =>
  (["pods", "Services"] as const).map(
    (of): Check => ({
      name: `addresses of ${of}`,
      shows: "are known, so egress can't open them",
      needs: ["kubernetes"],
      run: Effect.map(findClusterRanges(closedRanges), ({ unknown }): Fault | undefined => {
        const found = unknown.find((one) => one.of === of)
        return found === undefined
          ? undefined
          : {
              message: `couldn't find out the cluster's own addresses of ${of}: ${found.why}. Until they're known, the server refuses private ranges in egress`,
              fix: "set MAXCLOUD_CLOSED_RANGES on the server to the ranges of nodes, pods and Services, and check with the same: --closed-ranges 10.244.0.0/16"
            }
      })
    })
  )
