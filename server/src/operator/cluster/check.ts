import { type ObjectKind, parseRange } from "@maxcloud/config-schema"
import { Effect, Option, Schema } from "effect"
import { classesIn, runtimeClasses } from "../../base/settings/runtimeClasses.ts"
import { KubeApi } from "../../runtimes/kubeApi/KubeApi.ts"
import { pathOf } from "../../runtimes/kubeApi/kinds.ts"
import { gatewayName, knativeNamespace, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { runtimeClassPath, sandbox } from "../../runtimes/kubernetes/runtimeClass.ts"
import { findClusterRanges } from "../../runtimes/network/clusterRanges.ts"
import { applyObject, unlessMissing } from "./applyObjects.ts"
import { ClusterProblem } from "./ClusterProblem.ts"
import { nameOf } from "./install.ts"
import { configMaps, deployments } from "./installKinds.ts"
import { installManifests } from "./installManifests.ts"
import { knativeSettings } from "./knativeSettings.ts"
import { livePrefix } from "./livePrefix.ts"
import { isSet, readSettings, valueText } from "./liveSettings.ts"
import { prerequisites } from "./prerequisites.ts"
import { serverManifests } from "./serverManifests.ts"
import { hasServiceMonitors, serverState } from "./serverState.ts"

/** A missing or wrong part, and its fix. */
export interface Finding {
  readonly message: string
  readonly fix: string
}

const Network = Schema.Struct({
  data: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })
})

const Deployment = Schema.Struct({
  spec: Schema.Struct({
    replicas: Schema.Int,
    template: Schema.Struct({
      spec: Schema.Struct({ containers: Schema.Array(Schema.Struct({ name: Schema.String, image: Schema.String })) })
    })
  }),
  status: Schema.Struct({ readyReplicas: Schema.optionalWith(Schema.Int, { default: () => 0 }) })
})

const kourier = "kourier.ingress.networking.knative.dev"
const again = "maxcloud cluster install"

const ingressClass = Effect.gen(function* () {
  const api = yield* KubeApi
  const answer = yield* unlessMissing(
    api.request({ method: "GET", path: pathOf(configMaps, knativeNamespace, "config-network") })
  )
  const data = Option.flatMap(answer, Schema.decodeUnknownOption(Network)).pipe(Option.map((found) => found.data))
  const ingress = Option.match(data, {
    onNone: () => undefined,
    onSome: (value) => value["ingress-class"] ?? value["ingress.class"]
  })
  const findings: ReadonlyArray<Finding> =
    ingress === kourier
      ? []
      : [
          {
            message: `Knative's ingress class is ${ingress ?? "not set"}, not Kourier's`,
            fix: `kubectl -n ${knativeNamespace} patch configmap config-network --type merge -p '{"data":{"ingress-class":"${kourier}"}}'`
          }
        ]
  return findings
})

/** The running authorizer: its image shows how it was installed. */
const gateway = Effect.gen(function* () {
  const api = yield* KubeApi
  const answer = yield* unlessMissing(
    api.request({ method: "GET", path: pathOf(deployments, systemNamespace, gatewayName) })
  )
  const deployment = Option.flatMap(answer, Schema.decodeUnknownOption(Deployment))
  if (Option.isNone(deployment)) {
    const finding: Finding = {
      message:
        "the gateway has no authorizer, so a pod that can call one internal service can call any other, including other organizations'",
      fix: `${again} --image REF`
    }
    return { image: undefined, findings: [finding] }
  }
  const { spec, status } = deployment.value
  const findings: ReadonlyArray<Finding> =
    status.readyReplicas >= spec.replicas
      ? []
      : [
          {
            message: `only ${status.readyReplicas} of ${spec.replicas} instances of the gateway's authorizer are ready${status.readyReplicas === 0 ? ", so every request is refused" : ""}`,
            fix: `kubectl -n ${systemNamespace} describe pods -l app.kubernetes.io/name=${gatewayName}`
          }
        ]
  return { image: spec.template.spec.containers[0]?.image, findings }
})

export interface CheckInput {
  readonly domain: string | undefined
  /** The prefix of tenants' namespaces; undefined: the one the cluster already uses. */
  readonly namespacePrefix: string | undefined
  /** Kinds of objects that apps may contain, as in the server's MAXCLOUD_MANIFESTS. @default none */
  readonly objects?: ReadonlyArray<ObjectKind> | undefined
  /** The value of the server's MAXCLOUD_CLOSED_RANGES; undefined: not set. */
  readonly closedRanges?: string | undefined
  /** The value of the server's MAXCLOUD_RUNTIME_CLASS; undefined: not set. */
  readonly runtimeClass?: string | undefined
}

/**
 * Cluster addresses known neither from the cluster nor from the operator. Without them no private range can be opened
 * safely.
 */
const unknownRanges = (written: string) =>
  Effect.gen(function* () {
    const closedRanges = written.split(",").flatMap((text) => (text.trim() === "" ? [] : [text.trim()]))
    const wrong = closedRanges.find((closedRange) => parseRange(closedRange) === undefined)
    if (wrong !== undefined) {
      return yield* new ClusterProblem({
        message: `"${wrong}" isn't an IP range`,
        fix: "separate the ranges with commas, such as --closed-ranges 10.244.0.0/16,10.96.0.0/12"
      })
    }
    const { unknown } = yield* findClusterRanges(closedRanges)
    return unknown.map(
      ({ of, why }): Finding => ({
        message: `couldn't find out the cluster's own addresses of ${of}: ${why}. Until they're known, the server refuses private ranges in egress`,
        fix: "set MAXCLOUD_CLOSED_RANGES on the server to the ranges of nodes, pods and Services, and check with the same: --closed-ranges 10.244.0.0/16"
      })
    )
  })

/** Runtime classes that the cluster lacks: without one, programs of organizations share the nodes' kernel, or don't start. */
const missingClasses = (written: string | undefined) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const classes =
      written === undefined ? Option.some({ all: undefined, organizations: {} }) : runtimeClasses.read(written)
    if (Option.isNone(classes)) {
      return yield* new ClusterProblem({
        message: `"${written}" isn't valid: ${runtimeClasses.help}`,
        fix: "pass the same as MAXCLOUD_RUNTIME_CLASS on the server, such as --runtime-class gvisor"
      })
    }
    const byDefault = classes.value.all === undefined ? [sandbox] : []
    return yield* Effect.filter([...byDefault, ...classesIn(classes.value)], (name) =>
      Effect.map(unlessMissing(api.request({ method: "GET", path: runtimeClassPath(name) })), Option.isNone)
    ).pipe(
      Effect.map((names) =>
        names.map(
          (name): Finding =>
            byDefault.includes(name)
              ? {
                  message: `the cluster has no RuntimeClass ${name}, so programs of organizations share the kernel of its nodes`,
                  fix: "install gVisor on the nodes and create its RuntimeClass, or set MAXCLOUD_RUNTIME_CLASS=none on the server and check with the same: --runtime-class none"
                }
              : {
                  message: `the cluster has no RuntimeClass ${name} (MAXCLOUD_RUNTIME_CLASS), so pods with it don't start`,
                  fix: "create it, or correct the setting"
                }
        )
      )
    )
  })

/** The missing or changed parts of an installation. Changes nothing. */
export const check = Effect.fn("check")(function* (input: CheckInput) {
  yield* prerequisites
  const namespacePrefix = yield* livePrefix(input.namespacePrefix)
  const { findings: gatewayFindings, image } = yield* gateway
  const { findings: serverFindings, image: serverImage } = yield* serverState
  const ownServer =
    serverImage === undefined
      ? []
      : serverManifests({ image: serverImage, namespacePrefix, hasServiceMonitors: yield* hasServiceMonitors })
  const objects = yield* Effect.forEach(
    [...installManifests({ image, namespacePrefix, objects: input.objects }), ...ownServer],
    (manifest) =>
      Effect.map(applyObject(manifest, { dryRun: true, force: true }), (step): ReadonlyArray<Finding> => {
        if (step === "unchanged") return []
        const message =
          step === "created" ? `${nameOf(manifest)} is missing` : `${nameOf(manifest)} differs from what was installed`
        return [{ message, fix: again }]
      }),
    { concurrency: 8 }
  )
  const settings = yield* readSettings(
    knativeSettings({ domain: input.domain, gateway: image !== undefined, namespacePrefix })
  )
  const unset = settings
    .filter((setting) => !isSet(setting))
    .map((live): Finding => {
      const { configMap, key, value } = live
      return {
        message: `${key} in ConfigMap ${knativeNamespace}/${configMap} is ${valueText(live)}, not "${value}" (${live.why})`,
        fix: again
      }
    })
  return [
    ...(yield* ingressClass),
    ...objects.flat(),
    ...unset,
    ...gatewayFindings,
    ...serverFindings,
    ...(yield* missingClasses(input.runtimeClass)),
    ...(yield* unknownRanges(input.closedRanges ?? ""))
  ]
})
