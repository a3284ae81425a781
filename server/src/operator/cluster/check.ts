import { type ObjectKind, parseRange } from "@maxcloud/config-schema"
import { Effect, Option } from "effect"
import type { AskByHost } from "../../runtimes/kubeApi/askByHost.ts"
import { ClusterProblem } from "./ClusterProblem.ts"
import { type CheckResult, runChecks } from "./checks/Check.ts"
import { gatewayChecks } from "./checks/gatewayChecks.ts"
import {
  authorizerChecks,
  installedImage,
  objectCheck,
  rangeChecks,
  rightChecks,
  settingCheck
} from "./checks/installChecks.ts"
import { prerequisiteChecks } from "./checks/prerequisiteChecks.ts"
import { runtimeClassChecks, serverChecks } from "./checks/serverChecks.ts"
import { installManifests } from "./installManifests.ts"
import { knativeSettings } from "./knativeSettings.ts"
import { livePrefix } from "./livePrefix.ts"
import { serverManifests } from "./serverManifests.ts"
import { hasServiceMonitors, serverDeployment } from "./serverState.ts"

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
  /** Create a probe service and send it a request? It is removed again. @default yes */
  readonly probe?: boolean | undefined
  /** An image that answers HTTP on `PORT`, for the probe service. @default the authorizer's */
  readonly probeImage?: string | undefined
}

const rangesOf = (written: string) =>
  Effect.gen(function* () {
    const closedRanges = written.split(",").flatMap((text) => (text.trim() === "" ? [] : [text.trim()]))
    const wrong = closedRanges.find((closedRange) => parseRange(closedRange) === undefined)
    if (wrong === undefined) return closedRanges
    return yield* new ClusterProblem({
      message: `"${wrong}" isn't an IP range`,
      fix: "separate the ranges with commas, such as --closed-ranges 10.244.0.0/16,10.96.0.0/12"
    })
  })

/** Every check, in order. */
const checksOf = (input: CheckInput, ask: AskByHost | undefined) =>
  Effect.gen(function* () {
    const closedRanges = yield* rangesOf(input.closedRanges ?? "")
    const namespacePrefix = yield* livePrefix(input.namespacePrefix)
    const runtimeClass = yield* runtimeClassChecks(input.runtimeClass)
    const image = yield* installedImage
    const server = yield* serverDeployment
    const serverImage = Option.getOrUndefined(server)?.spec.template.spec.containers[0]?.image
    const ownServer =
      serverImage === undefined
        ? []
        : serverManifests({ image: serverImage, namespacePrefix, hasServiceMonitors: yield* hasServiceMonitors })
    const probeImage = input.probeImage ?? image
    const probe =
      input.probe === false || probeImage === undefined
        ? undefined
        : { image: probeImage, own: input.probeImage === undefined }
    return [
      ...prerequisiteChecks,
      ...[...installManifests({ image, namespacePrefix, objects: input.objects }), ...ownServer].map(objectCheck),
      ...knativeSettings({ domain: input.domain, gateway: image !== undefined, namespacePrefix }).map(settingCheck),
      ...authorizerChecks,
      ...Option.match(server, { onNone: () => [], onSome: serverChecks }),
      ...rightChecks,
      ...runtimeClass,
      ...rangeChecks(closedRanges),
      ...(ask === undefined ? [] : gatewayChecks(ask, probe))
    ]
  })

/**
 * Tries every prerequisite and every part of an installation. Changes nothing but for a probe service, which it removes. `ask`: how to reach the
 * gateway; undefined: not at all, and then its checks are left out.
 */
export const check = Effect.fn("check")(function* (input: CheckInput, ask: AskByHost | undefined) {
  return yield* runChecks(yield* checksOf(input, ask))
})

export type { CheckResult }
