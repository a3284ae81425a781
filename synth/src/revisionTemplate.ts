import { Build, type ServiceSpec } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { annotation } from "./annotations.ts"
import { containerOf, deadlineMsOf, KnativeContainer, securityContext } from "./container.ts"
import type { Environment } from "./environment.ts"
import { imageOf } from "./image.ts"
import type { TenantContext } from "./tenant.ts"
import { flag, GoDuration, listed, secondsAt, TextMap } from "./values.ts"

/** Knative's default maximum for a service's `timeout`. Its installation raises `max-revision-timeout-seconds` for more. */
export const defaultMaxTimeoutSeconds = 600

const at = Schema.fromKey
const count = (missing: number) => Schema.optionalWith(Schema.NumberFromString, { default: () => missing })
const duration = (missingMs: number) => Schema.optionalWith(GoDuration, { default: () => missingMs })

/** The annotations of a template, for writing and reading. Missing ones have Knative's default. */
export const TemplateAnnotations = Schema.Struct({
  sourceDigest: Schema.optional(Schema.String).pipe(at(annotation.sourceDigest)),
  sourcePackage: Schema.optional(Schema.String).pipe(at(annotation.sourcePackage)),
  sourceBuild: Schema.optional(Schema.parseJson(Build)).pipe(at(annotation.sourceBuild)),
  sourceDirectory: Schema.optional(Schema.String).pipe(at(annotation.sourceDirectory)),
  sourceScript: Schema.optional(Schema.Literal("dev")).pipe(at(annotation.sourceScript)),
  autoPort: flag("auto").pipe(at(annotation.port)),
  anyAnswerLives: flag("any-answer").pipe(at(annotation.liveness)),
  restartedAt: Schema.optional(Schema.String).pipe(at(annotation.restartedAt)),
  minScale: count(0).pipe(at(annotation.minScale)),
  /** 0 is unlimited. */
  maxScale: count(0).pipe(at(annotation.maxScale)),
  target: Schema.optional(Schema.NumberFromString).pipe(at(annotation.target)),
  targetUtilizationPercentage: count(70).pipe(at(annotation.targetUtilization)),
  windowMs: duration(60_000).pipe(at(annotation.window)),
  progressDeadlineMs: duration(600_000).pipe(at(annotation.progressDeadline))
})
export type TemplateAnnotations = typeof TemplateAnnotations.Type

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

/** A Knative Service's `spec.template`, for writing and reading. Fields that a manifest leaves out have the default of Kubernetes or Knative. */
export const RevisionTemplate = Schema.Struct({
  metadata: Schema.optionalWith(Metadata, { default: () => Schema.decodeSync(Metadata)({ annotations: {} }) }),
  spec: Schema.Struct({
    /** Knative takes it by its feature gate `kubernetes.podspec-runtimeclassname`. */
    runtimeClassName: Schema.optional(Schema.String),
    serviceAccountName: Schema.optionalWith(Schema.String, { default: () => "default" }),
    automountServiceAccountToken: Schema.optionalWith(Schema.Boolean, { default: () => true }),
    enableServiceLinks: Schema.optionalWith(Schema.Boolean, { default: () => true }),
    /** Requests at a time per instance at most; 0: no limit. */
    containerConcurrency: Schema.optionalWith(Schema.Number, { default: () => 0 }),
    /** Knative takes 600 seconds at most, unless `max-revision-timeout-seconds` in its `config-defaults` says otherwise. */
    timeoutMs: secondsAt("timeoutSeconds", 300_000),
    /** Until the first byte. Knative's default of 300 would cut a longer `timeoutSeconds` short. */
    responseStartTimeoutMs: secondsAt("responseStartTimeoutSeconds", 300_000),
    containers: Schema.Array(KnativeContainer).pipe(
      Schema.itemsCount(1, { message: () => "A service runs one container." })
    ),
    volumes: listed(SecretVolume)
  })
})
export type RevisionTemplate = typeof RevisionTemplate.Type

/** The template of a service's revisions: whatever changes here makes a new one. */
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
        restartedAt: tenant.restarts?.get(service.name),
        ...scaleOf(service, tenant)
      }
    },
    spec: {
      runtimeClassName: tenant.runtimeClass,
      serviceAccountName: service.name,
      automountServiceAccountToken: false,
      // Variables for hundreds of neighbors would slow down every start, and reveal those neighbors.
      enableServiceLinks: false,
      containerConcurrency: service.scale.maxConcurrency,
      timeoutMs: service.timeout,
      responseStartTimeoutMs: service.timeout,
      containers: [containerOf(service, image, environment, securityContext(image, tenant))],
      volumes: environment.volumes
    }
  }
}

/** The autoscaler aims at `concurrency`, so all of the target is used (Knative's default of 70 % would aim at less). */
const scaleOf = (service: ServiceSpec, { pausedServices }: TenantContext) => ({
  minScale: pausedServices.has(service.name) ? 0 : service.scale.min,
  maxScale: service.scale.max,
  target: service.scale.concurrency,
  targetUtilizationPercentage: 100,
  windowMs: service.scale.idle,
  progressDeadlineMs: deadlineMsOf(service)
})
