import { Build, defaultGraceMs, type ServiceSpec } from "@maxcloud/config-schema"
import { Option, Schema } from "effect"
import { annotation } from "./annotations.ts"
import { containerOf, deadlineMsOf, KnativeContainer, securityContext } from "./container.ts"
import type { Environment } from "./environment.ts"
import { imageOf } from "./image.ts"
import type { TenantContext } from "./tenant.ts"
import { flag, GoDuration, listed, secondsAt, TextMap } from "./values.ts"

/** Knative's default maximum for a service's `timeout`. To allow more, raise `max-revision-timeout-seconds` in its installation. */
export const defaultMaxTimeoutSeconds = 600

const at = Schema.fromKey
const count = (missing: number) => Schema.optionalWith(Schema.NumberFromString, { default: () => missing })
const duration = (missingMs: number) => Schema.optionalWith(GoDuration, { default: () => missingMs })

/** Encodes and decodes a template's annotations. Missing ones have Knative's default. */
export const TemplateAnnotations = Schema.Struct({
  sourceDigest: Schema.optional(Schema.String).pipe(at(annotation.sourceDigest)),
  sourcePackage: Schema.optional(Schema.String).pipe(at(annotation.sourcePackage)),
  sourceBuild: Schema.optional(Schema.parseJson(Build)).pipe(at(annotation.sourceBuild)),
  sourceDirectory: Schema.optional(Schema.String).pipe(at(annotation.sourceDirectory)),
  sourceScript: Schema.optional(Schema.Literal("dev")).pipe(at(annotation.sourceScript)),
  autoPort: flag("auto").pipe(at(annotation.port)),
  anyAnswerLives: flag("any-answer").pipe(at(annotation.liveness)),
  restartedAt: Schema.optional(Schema.String).pipe(at(annotation.restartedAt)),
  /** Default: the request timeout. */
  drainMs: Schema.optional(GoDuration).pipe(at(annotation.drain)),
  /** Default: `defaultGraceMs`. */
  graceMs: Schema.optional(GoDuration).pipe(at(annotation.grace)),
  minScale: count(0).pipe(at(annotation.minScale)),
  /** 0 is unlimited. */
  maxScale: count(0).pipe(at(annotation.maxScale)),
  target: Schema.optional(Schema.NumberFromString).pipe(at(annotation.target)),
  targetUtilizationPercentage: count(70).pipe(at(annotation.targetUtilization)),
  windowMs: duration(60_000).pipe(at(annotation.window)),
  progressDeadlineMs: duration(600_000).pipe(at(annotation.progressDeadline))
})
export type TemplateAnnotations = typeof TemplateAnnotations.Type

/** How an instance ends, in milliseconds. */
export interface InstanceEnd {
  /** For open requests, before SIGTERM. */
  readonly drainMs: number
  /** The same, if the whole service is removed: without a `drain` of its own, nobody waits five minutes for a removal. */
  readonly removalDrainMs: number
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number
}

const usualRemovalDrainMs = 30_000

export const endOf = (
  { drainMs, graceMs = defaultGraceMs }: Pick<TemplateAnnotations, "drainMs" | "graceMs">,
  timeoutMs: number
): InstanceEnd => ({
  drainMs: drainMs ?? timeoutMs,
  removalDrainMs: drainMs ?? Math.min(timeoutMs, usualRemovalDrainMs),
  graceMs
})

const decodeEnd = Schema.decodeUnknownOption(TemplateAnnotations.pick("drainMs", "graceMs"))

/** The same for a pod, which has its template's annotations. */
export const endOfPod = (annotations: Readonly<Record<string, string>>, timeoutMs: number): InstanceEnd =>
  endOf(
    Option.getOrElse(decodeEnd(annotations), () => ({ drainMs: undefined, graceMs: undefined })),
    timeoutMs
  )

export const SecretVolume = Schema.Struct({
  name: Schema.String,
  secret: Schema.Struct({
    secretName: Schema.String,
    defaultMode: Schema.optional(Schema.Number),
    items: listed(Schema.Struct({ key: Schema.String, path: Schema.String }))
  })
})
export type SecretVolume = typeof SecretVolume.Type

const Metadata = Schema.Struct({
  labels: Schema.optionalWith(TextMap, { default: () => ({}) }),
  annotations: TemplateAnnotations
})

/** Encodes and decodes a Knative Service's `spec.template`. Missing fields have the default of Kubernetes or Knative. */
export const RevisionTemplate = Schema.Struct({
  metadata: Schema.optionalWith(Metadata, { default: () => Schema.decodeSync(Metadata)({ annotations: {} }) }),
  spec: Schema.Struct({
    /** Requires Knative's feature gate `kubernetes.podspec-runtimeclassname`. */
    runtimeClassName: Schema.optional(Schema.String),
    serviceAccountName: Schema.optionalWith(Schema.String, { default: () => "default" }),
    automountServiceAccountToken: Schema.optionalWith(Schema.Boolean, { default: () => true }),
    enableServiceLinks: Schema.optionalWith(Schema.Boolean, { default: () => true }),
    /** The maximum of concurrent requests per instance; 0 means no limit. */
    containerConcurrency: Schema.optionalWith(Schema.Number, { default: () => 0 }),
    /** At most 600 seconds, unless `max-revision-timeout-seconds` in Knative's `config-defaults` is higher. */
    timeoutMs: secondsAt("timeoutSeconds", 300_000),
    /** The timeout until the first byte. Knative's default of 300 would shorten a longer `timeoutSeconds`. */
    responseStartTimeoutMs: secondsAt("responseStartTimeoutSeconds", 300_000),
    containers: Schema.Array(KnativeContainer).pipe(
      Schema.itemsCount(1, { message: () => "A service can have only one container." })
    ),
    volumes: listed(SecretVolume)
  })
})
export type RevisionTemplate = typeof RevisionTemplate.Type

/** The template of a service's revisions. Any change here creates a new revision. */
export const revisionTemplateOf = (
  service: ServiceSpec,
  tenant: TenantContext,
  labels: Readonly<Record<string, string>>,
  environment: Environment
): RevisionTemplate => {
  const image = imageOf(service, tenant)
  return {
    metadata: {
      labels,
      annotations: {
        ...image.annotations,
        autoPort: service.port === "auto",
        anyAnswerLives: service.probes.liveness === undefined,
        drainMs: service.drain,
        // A default that was written out would create a new revision of every service at the server's update.
        graceMs: service.grace === defaultGraceMs ? undefined : service.grace,
        restartedAt: tenant.restarts?.get(service.name),
        ...scaleOf(service, tenant)
      }
    },
    spec: {
      runtimeClassName: tenant.runtimeClass,
      serviceAccountName: service.name,
      automountServiceAccountToken: false,
      // Variables for hundreds of neighboring services would slow down every start, and reveal those services.
      enableServiceLinks: false,
      containerConcurrency: service.scale.maxConcurrency,
      timeoutMs: service.timeout,
      responseStartTimeoutMs: service.timeout,
      containers: [containerOf(service, image, environment, securityContext(image, tenant))],
      volumes: environment.volumes
    }
  }
}

/** Use the full target, so that the autoscaler aims at `concurrency` (Knative's default is 70 % of it). */
const scaleOf = (service: ServiceSpec, { pausedServices }: TenantContext) => ({
  minScale: pausedServices.has(service.name) ? 0 : service.scale.min,
  maxScale: service.scale.max,
  target: service.scale.concurrency,
  targetUtilizationPercentage: 100,
  windowMs: service.scale.idle,
  progressDeadlineMs: deadlineMsOf(service)
})
