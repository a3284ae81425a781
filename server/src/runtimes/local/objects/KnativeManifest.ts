import { Build, defaultPort } from "@maxcloud/config-schema"
import { annotation, type Manifest } from "@maxcloud/synth"
import { Either, Option, ParseResult, Schema } from "effect"
import { quantityOf } from "../../port/quantity.ts"
import type { AutoscalerConfig } from "../autoscaler/Autoscaler.ts"
import type { InstanceSpec, ProbeSpec } from "../instances/Instance.ts"
import { goDuration } from "./goDuration.ts"
import type { EnvSource, RevisionTemplate } from "./RevisionTemplate.ts"

const Probe = Schema.Struct({
  httpGet: Schema.optional(Schema.Struct({ path: Schema.optional(Schema.String) })),
  tcpSocket: Schema.optional(Schema.Unknown),
  initialDelaySeconds: Schema.optionalWith(Schema.Number, { default: () => 0 }),
  periodSeconds: Schema.optionalWith(Schema.Number, { default: () => 10 }),
  timeoutSeconds: Schema.optionalWith(Schema.Number, { default: () => 1 }),
  failureThreshold: Schema.optionalWith(Schema.Number, { default: () => 3 })
})

const KeyRef = Schema.Struct({ name: Schema.String, key: Schema.String })

const Container = Schema.Struct({
  image: Schema.String,
  command: Schema.optional(Schema.Array(Schema.String)),
  args: Schema.optional(Schema.Array(Schema.String)),
  ports: Schema.optionalWith(
    Schema.Array(Schema.Struct({ name: Schema.optional(Schema.String), containerPort: Schema.Number })),
    { default: () => [] }
  ),
  env: Schema.optionalWith(
    Schema.Array(
      Schema.Struct({
        name: Schema.String,
        value: Schema.optional(Schema.String),
        valueFrom: Schema.optional(Schema.Struct({ secretKeyRef: KeyRef }))
      })
    ),
    { default: () => [] }
  ),
  volumeMounts: Schema.optionalWith(
    Schema.Array(
      Schema.Struct({ name: Schema.String, mountPath: Schema.String, subPath: Schema.optional(Schema.String) })
    ),
    { default: () => [] }
  ),
  resources: Schema.optionalWith(
    Schema.Struct({
      limits: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Union(Schema.String, Schema.Number) }))
    }),
    { default: () => ({}) }
  ),
  startupProbe: Schema.optional(Probe),
  readinessProbe: Schema.optional(Probe),
  livenessProbe: Schema.optional(Probe)
})

const Items = Schema.optionalWith(Schema.Array(Schema.Struct({ key: Schema.String, path: Schema.String })), {
  default: () => []
})

const Volume = Schema.Struct({
  name: Schema.String,
  secret: Schema.optional(Schema.Struct({ secretName: Schema.String, items: Items })),
  projected: Schema.optional(
    Schema.Struct({
      sources: Schema.Array(
        Schema.Struct({ secret: Schema.optional(Schema.Struct({ name: Schema.String, items: Items })) })
      )
    })
  )
})

const StringMap = Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), {
  default: () => ({})
})

const Template = Schema.Struct({
  metadata: Schema.optionalWith(Schema.Struct({ annotations: StringMap }), { default: () => ({ annotations: {} }) }),
  spec: Schema.Struct({
    containerConcurrency: Schema.optionalWith(Schema.Number, { default: () => 0 }),
    timeoutSeconds: Schema.optionalWith(Schema.Number, { default: () => 300 }),
    volumes: Schema.optionalWith(Schema.Array(Volume), { default: () => [] }),
    containers: Schema.Array(Container).pipe(
      Schema.itemsCount(1, { message: () => "the local runtime runs one container per service" })
    )
  })
})
type Template = typeof Template.Type
type Container = typeof Container.Type

const KnativeService = Schema.Struct({
  metadata: Schema.Struct({ name: Schema.String, labels: StringMap, annotations: StringMap }),
  spec: Schema.Struct({ template: Schema.Unknown })
})

/** What the local runtime reads of a Knative Service. */
export interface ParsedService {
  readonly internal: boolean
  /** Stopped: no instance is kept, requests are answered 503. */
  readonly paused: boolean
  /** `spec.template` as it is written. */
  readonly written: unknown
  readonly template: RevisionTemplate
}

const decodeService = Schema.decodeUnknownEither(KnativeService)
const decodeTemplate = Schema.decodeUnknownEither(Template)

export const isKnativeService = (manifest: Manifest): boolean =>
  manifest.kind === "Service" && manifest.apiVersion.startsWith("serving.knative.dev/")

/** Reads a Knative Service (`serving.knative.dev/v1`); on the left what is wrong, with its place. */
export const parseKnativeService = (manifest: Manifest): Either.Either<ParsedService, string> =>
  Either.gen(function* () {
    const { metadata, spec } = yield* Either.mapLeft(decodeService(manifest), ParseResult.TreeFormatter.formatErrorSync)
    return {
      internal: metadata.labels["networking.knative.dev/visibility"] === "cluster-local",
      paused: metadata.annotations[annotation.paused] === "true",
      written: spec.template,
      template: yield* parseTemplate(spec.template)
    }
  })

/** Reads a `spec.template`, that of a Service or of a stored Revision. */
export const parseTemplate = (written: unknown): Either.Either<RevisionTemplate, string> =>
  Either.flatMap(Either.mapLeft(decodeTemplate(written), ParseResult.TreeFormatter.formatErrorSync), templateOf)

const templateOf = ({ metadata, spec }: Template): Either.Either<RevisionTemplate, string> =>
  Either.gen(function* () {
    const [container] = spec.containers
    if (container === undefined) return yield* Either.left("the service has no container")
    const { annotations } = metadata
    const port = container.ports[0]
    const scale = yield* scaleOf(annotations, spec.containerConcurrency)
    const min = scale.min ?? 0
    const deadline = annotations["serving.knative.dev/progress-deadline"]
    return {
      program: programOf(annotations, container.image),
      image: container.image,
      command: container.command,
      args: container.args,
      port: annotations[annotation.port] === "auto" ? "auto" : (port?.containerPort ?? defaultPort),
      protocol: port?.name === "h2c" ? ("h2c" as const) : ("http1" as const),
      env: container.env.map(envOf),
      files: filesOf(container, spec.volumes),
      cpuMilli: Math.round((yield* limit(container, "cpu", 1)) * 1000),
      memoryBytes: yield* limit(container, "memory", 512 * 2 ** 20),
      maxConcurrency: spec.containerConcurrency,
      scale,
      min,
      initialScale: Math.max(1, min, yield* number(annotations, "autoscaling.knative.dev/initial-scale", 1)),
      timeoutMs: spec.timeoutSeconds * 1000,
      startDeadlineMs: deadline === undefined ? 600_000 : yield* goDuration("progress-deadline", deadline),
      startup: probeOf(container.startupProbe),
      readiness: probeOf(container.readinessProbe),
      ...livenessOf(annotations, container)
    }
  })

/**
 * A manifest can only say a TCP connection, for Kubernetes has no probe that any answer satisfies; here it is told by an annotation. A folder that runs
 * in place has no such probe: its developer may have stopped it in a debugger.
 */
const livenessOf = (
  annotations: Readonly<Record<string, string>>,
  container: Container
): Pick<RevisionTemplate, "anyAnswerLives" | "liveness"> => {
  const anyAnswerLives = annotations[annotation.liveness] === "any-answer"
  const liveness = probeOf(container.livenessProbe)
  if (!anyAnswerLives || liveness === undefined) return { anyAnswerLives: false, liveness }
  if (annotations[annotation.sourceDirectory] !== undefined) return { anyAnswerLives: false, liveness: undefined }
  // Its delay is for a cluster: here a probe begins once an instance is ready.
  return { anyAnswerLives, liveness: { ...liveness, initialDelayMs: 0 } }
}

const decodeBuild = Schema.decodeUnknownOption(Schema.parseJson(Build))

const programOf = (annotations: Readonly<Record<string, string>>, image: string): InstanceSpec["program"] => {
  const directory = annotations[annotation.sourceDirectory]
  if (directory !== undefined) {
    const isDevScript = annotations[annotation.sourceScript] === "dev"
    return { kind: "directory", directory, ...(isDevScript ? { script: "dev" } : {}) }
  }
  const digest = annotations[annotation.sourceDigest]
  if (digest === undefined) return { kind: "image", image }
  const inside = annotations[annotation.sourcePackage]
  const written = annotations[annotation.sourceBuild]
  const build = written === undefined ? undefined : Option.getOrUndefined(decodeBuild(written))
  return {
    kind: "snapshot",
    digest,
    ...(inside === undefined ? {} : { package: inside }),
    ...(build === undefined ? {} : { build })
  }
}

const envOf = (variable: Container["env"][number]) => {
  const ref = variable.valueFrom?.secretKeyRef
  const source: EnvSource =
    ref === undefined
      ? { kind: "text", text: variable.value ?? "" }
      : { kind: "secret", secret: ref.name, key: ref.key }
  return { name: variable.name, source }
}

/** One file per mounted key. A mount with a `subPath` is that one file. */
const filesOf = (container: Container, volumes: ReadonlyArray<typeof Volume.Type>): RevisionTemplate["files"] => {
  const items = new Map(
    volumes.map((volume) => [
      volume.name,
      [
        ...(volume.secret === undefined
          ? []
          : volume.secret.items.map((_) => ({ ..._, secret: volume.secret?.secretName ?? "" }))),
        ...(volume.projected?.sources ?? []).flatMap(({ secret }) =>
          secret === undefined ? [] : secret.items.map((_) => ({ ..._, secret: secret.name }))
        )
      ]
    ])
  )
  return container.volumeMounts.flatMap((mount) =>
    (items.get(mount.name) ?? []).flatMap(({ key, path, secret }) => {
      if (mount.subPath === undefined) return [{ path: `${mount.mountPath}/${path}`, secret, key }]
      return mount.subPath === path ? [{ path: mount.mountPath, secret, key }] : []
    })
  )
}

const limit = (container: Container, name: string, fallback: number): Either.Either<number, string> => {
  const written = container.resources.limits?.[name]
  return written === undefined
    ? Either.right(fallback)
    : Either.fromOption(quantityOf(written), () => `${name}: "${written}" is no quantity`)
}

const probeOf = (probe: typeof Probe.Type | undefined): ProbeSpec | undefined =>
  probe === undefined
    ? undefined
    : {
        path: probe.httpGet === undefined ? undefined : (probe.httpGet.path ?? "/"),
        initialDelayMs: probe.initialDelaySeconds * 1000,
        periodMs: probe.periodSeconds * 1000,
        timeoutMs: probe.timeoutSeconds * 1000,
        failureThreshold: probe.failureThreshold
      }

/** The annotations `autoscaling.knative.dev/*`. */
const scaleOf = (
  annotations: Readonly<Record<string, string>>,
  maxConcurrency: number
): Either.Either<AutoscalerConfig, string> =>
  Either.gen(function* () {
    const key = (name: string) => `autoscaling.knative.dev/${name}`
    const duration = (name: string, fallbackMs: number) => {
      const written = annotations[key(name)]
      return written === undefined ? Either.right(fallbackMs) : goDuration(name, written)
    }
    const target = annotations[key("target")]
    return {
      ...(target === undefined ? {} : { targetConcurrency: yield* number(annotations, key("target"), 0) }),
      maxConcurrency,
      min: yield* number(annotations, key("min-scale"), 0),
      max: yield* number(annotations, key("max-scale"), 0),
      activationScale: yield* number(annotations, key("activation-scale"), 0),
      targetUtilization: (yield* number(annotations, key("target-utilization-percentage"), 70)) / 100,
      panicWindowPercentage: yield* number(annotations, key("panic-window-percentage"), 10),
      panicThreshold: (yield* number(annotations, key("panic-threshold-percentage"), 200)) / 100,
      stableWindowMs: yield* duration("window", 60_000),
      scaleDownDelayMs: yield* duration("scale-down-delay", 0),
      scaleToZeroPodRetentionMs: yield* duration("scale-to-zero-pod-retention-period", 0)
    }
  })

const number = (
  annotations: Readonly<Record<string, string>>,
  key: string,
  fallback: number
): Either.Either<number, string> => {
  const written = annotations[key]
  if (written === undefined) return Either.right(fallback)
  const value = Number(written)
  return written.trim() !== "" && Number.isFinite(value)
    ? Either.right(value)
    : Either.left(`annotation ${key}: "${written}" is no number`)
}
