import { randomBytes } from "node:crypto"
import { Effect, Option, Schedule, Schema } from "effect"
import { within } from "../../../base/node/monotonic.ts"
import type { AskByHost } from "../../../runtimes/kubeApi/askByHost.ts"
import { KubeApi } from "../../../runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../../runtimes/kubeApi/kinds.ts"
import { knativeNamespace, managedLabel, systemNamespace } from "../../../runtimes/kubeApi/systemNames.ts"
import { ClusterProblem } from "../ClusterProblem.ts"
import { containerSecurity, seccompProfile, systemUser } from "../systemPods.ts"
import type { Check, Fault } from "./Check.ts"

export interface ProbeOptions {
  readonly ask: AskByHost
  /** A program that answers HTTP on `PORT`. */
  readonly image: string
  /** @default 120000 */
  readonly readyMillis?: number
  /** How long the gateway may take to learn about the probe service. @default 15000 */
  readonly routedMillis?: number
}

const kourierNamespace = "kourier-system"
/** Kourier's listener for public hosts (net-kourier, pkg/reconciler/ingress/config). */
const publicPort = 8080
const restart = `kubectl -n ${knativeNamespace} rollout restart deployment/net-kourier-controller`

const Pods = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({ name: Schema.String, deletionTimestamp: Schema.optional(Schema.String) }),
      status: Schema.Struct({ phase: Schema.optional(Schema.String) })
    })
  )
})
const Service = Schema.Struct({
  status: Schema.optional(
    Schema.Struct({
      url: Schema.optional(Schema.String),
      conditions: Schema.optionalWith(
        Schema.Array(
          Schema.Struct({
            type: Schema.String,
            status: Schema.String,
            message: Schema.optionalWith(Schema.String, { default: () => "" })
          })
        ),
        { default: () => [] }
      )
    })
  )
})

const envoys = Effect.gen(function* () {
  const api = yield* KubeApi
  const answer = yield* api.request({
    method: "GET",
    path: pathOf(kinds.pod, kourierNamespace),
    query: { labelSelector: "app=3scale-kourier-gateway" }
  })
  const { items } = Option.getOrElse(Schema.decodeUnknownOption(Pods)(answer), () => ({ items: [] }))
  // One that ends is still "Running", and no request gets to it any more.
  const running = items
    .filter(({ metadata, status }) => status.phase === "Running" && metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name)
  if (running.length > 0) return running
  return yield* new ClusterProblem({
    message: `no pod of Kourier's gateway runs in ${kourierNamespace} (label app=3scale-kourier-gateway)`,
    fix: `kubectl -n ${kourierNamespace} get pods, and describe those that aren't ready`
  })
})

/** The first fault of a gateway's answers, from each of its pods. */
const faultAt = (ask: AskByHost, host: string, faultOf: (status: number, pod: string) => Fault | undefined) =>
  Effect.flatMap(envoys, (pods) =>
    Effect.forEach(pods, (pod) =>
      ask(`${pathOf(kinds.pod, kourierNamespace)}/${pod}:${publicPort}/proxy/`, host).pipe(
        Effect.map(({ status }) => faultOf(status, pod)),
        Effect.catchTag("NoAnswer", ({ message }) =>
          Effect.succeed({
            message: `the gateway's pod ${pod} doesn't answer: ${message}`,
            fix: `kubectl -n ${kourierNamespace} describe pod ${pod}`
          })
        )
      )
    )
  ).pipe(Effect.map((faults) => faults.find((fault) => fault !== undefined)))

const refusedBy = (pod: string): Fault => ({
  message: `the gateway refuses every request (403 from ${pod}): Envoy can't ask the authorizer`,
  fix: `Kourier reads the authorizer's address only when it starts: ${restart}`
})

const probeManifest = (name: string, image: string, own: boolean) => ({
  apiVersion: "serving.knative.dev/v1",
  kind: "Service",
  metadata: { name, namespace: systemNamespace, labels: { ...managedLabel } },
  spec: {
    template: {
      metadata: { labels: { ...managedLabel } },
      spec: {
        timeoutSeconds: 10,
        containers: [
          {
            image,
            ...(own ? { args: ["probe"], env: [{ name: "MAXCLOUD_PROBE_SERVE", value: "1" }] } : {}),
            ports: [{ containerPort: publicPort }],
            resources: { requests: { cpu: "20m", memory: "64Mi" }, limits: { memory: "256Mi" } },
            // Knative refuses `runAsGroup` without its feature for it.
            securityContext: { ...containerSecurity, runAsNonRoot: true, runAsUser: systemUser, seccompProfile }
          }
        ]
      }
    }
  }
})

/** The host of the probe service once it's ready. */
const hostOf = (path: string, readyMillis: number) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const ready = Effect.flatMap(api.request({ method: "GET", path }), (answer) => {
      const { conditions = [], url } =
        Option.getOrElse(Schema.decodeUnknownOption(Service)(answer), () => ({ status: undefined })).status ?? {}
      if (url !== undefined && conditions.some(({ status, type }) => type === "Ready" && status === "True")) {
        return Effect.succeed(new URL(url).host)
      }
      const told = conditions.find(({ message, status }) => status !== "True" && message !== "")
      return new ClusterProblem({
        message: `a probe service in ${systemNamespace} isn't ready after ${readyMillis / 1000} s${told === undefined ? "" : `: ${told.message}`}`,
        fix: `kubectl -n ${systemNamespace} get events --sort-by lastTimestamp, and look at Knative's controller and at Kourier`
      })
    })
    return yield* Effect.retry(ready, {
      schedule: Schedule.spaced("500 millis").pipe(within(readyMillis)),
      while: ({ _tag }) => _tag === "ClusterProblem"
    })
  })

/** The gateway, tried with real requests. */
export const gatewayChecks = (
  ask: AskByHost,
  probe: (Omit<ProbeOptions, "ask"> & { readonly own: boolean }) | undefined
): ReadonlyArray<Check> => [
  {
    name: "gateway decides",
    shows: "the gateway answers a request for an unknown host with 404",
    needs: ["kourier gateway"],
    run: faultAt(
      ask,
      `unknown-${randomBytes(4).toString("hex")}.maxcloud.invalid`,
      (status, pod): Fault | undefined => {
        if (status === 404) return undefined
        if (status === 403) return refusedBy(pod)
        return {
          message: `the gateway's pod ${pod} answers ${status} for an unknown host, not 404`,
          fix: `kubectl -n ${kourierNamespace} logs ${pod}`
        }
      }
    )
  },
  ...(probe === undefined
    ? []
    : [
        {
          name: "gateway serves",
          shows: "a probe service becomes ready, and answers through every pod of the gateway",
          needs: ["gateway decides", "knative webhook accepts", "knative activator", "knative autoscaler"],
          run: probeService(ask, probe)
        }
      ])
]

function probeService(
  ask: AskByHost,
  { image, own, readyMillis = 120_000, routedMillis = 15_000 }: Omit<ProbeOptions, "ask"> & { readonly own: boolean }
) {
  return Effect.gen(function* () {
    const api = yield* KubeApi
    const name = `maxcloud-probe-${randomBytes(4).toString("hex")}`
    const path = pathOf(kinds.service, systemNamespace, name)
    const made = api.request({
      method: "POST",
      path: pathOf(kinds.service, systemNamespace),
      body: probeManifest(name, image, own)
    })
    return yield* Effect.acquireUseRelease(
      made,
      () =>
        Effect.flatMap(hostOf(path, readyMillis), (host) =>
          faultAt(ask, host, (status, pod): Fault | undefined => {
            if (status === 200) return undefined
            if (status === 403) return refusedBy(pod)
            if (status === 404)
              return {
                message: `the gateway's pod ${pod} doesn't know a ready service (404 for ${host})`,
                fix: restart
              }
            return {
              message: `a request through the gateway's pod ${pod} to a ready service got ${status}`,
              fix: `kubectl -n ${kourierNamespace} logs ${pod}, and kubectl -n ${knativeNamespace} logs deployment/activator`
            }
          }).pipe(
            // Each pod of the gateway learns about a service in its own time.
            Effect.flatMap((fault) =>
              fault === undefined ? Effect.succeed(undefined) : Effect.fail({ _tag: "Fault" as const, fault })
            ),
            Effect.retry({
              schedule: Schedule.spaced("500 millis").pipe(within(routedMillis)),
              while: ({ _tag }) => _tag === "Fault"
            }),
            Effect.catchTag("Fault", ({ fault }) => Effect.succeed(fault))
          )
        ),
      () => Effect.ignoreLogged(api.request({ method: "DELETE", path }))
    )
  })
}
