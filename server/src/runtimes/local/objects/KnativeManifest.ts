import { defaultPort } from "@maxcloud/config-schema"
import {
  type ContainerProbe,
  endOf,
  type KnativeContainer,
  type Manifest,
  readMarks,
  type SecretVolume,
  RevisionTemplate as Template,
  templateOf
} from "@maxcloud/synth"
import { Either, ParseResult, Schema } from "effect"
import type { InstanceSpec, ProbeSpec } from "../instances/Instance.ts"
import type { RevisionTemplate } from "./RevisionTemplate.ts"

type Annotations = (typeof Template.Type)["metadata"]["annotations"]

/** The part of a Knative Service that the local runtime reads. */
export interface ParsedService {
  readonly internal: boolean
  /** Paused: no instance runs, requests are answered 503. */
  readonly paused: boolean
  /** `spec.template` as written. */
  readonly written: unknown
  readonly template: RevisionTemplate
}

/** Reads a Knative Service (`serving.knative.dev/v1`); left: what is wrong, with its path. */
export const parseKnativeService = (manifest: Manifest): Either.Either<ParsedService, string> => {
  const written = templateOf(manifest)
  const { internal, paused } = readMarks(manifest.metadata)
  return Either.map(parseTemplate(written), (template) => ({ internal, paused, written, template }))
}

const decode = Schema.decodeUnknownEither(Template)

/** Reads the `spec.template` of a Service or of a stored Revision. */
export const parseTemplate = (written: unknown): Either.Either<RevisionTemplate, string> =>
  Either.flatMap(Either.mapLeft(decode(written), ParseResult.TreeFormatter.formatErrorSync), ({ metadata, spec }) => {
    const [container] = spec.containers
    return container === undefined
      ? Either.left("the service has no container")
      : Either.right(revisionTemplateOf(metadata.annotations, spec, container))
  })

const revisionTemplateOf = (
  annotations: Annotations,
  spec: (typeof Template.Type)["spec"],
  container: KnativeContainer
): RevisionTemplate => {
  const [port] = container.ports
  const { minScale } = annotations
  const { limits = { cpu: 1000, memory: 512 * 2 ** 20 } } = container.resources
  return {
    program: programOf(annotations, container.image),
    image: container.image,
    command: container.command,
    args: container.args,
    port: annotations.autoPort ? "auto" : (port?.containerPort ?? defaultPort),
    protocol: port?.name ?? "http1",
    env: container.env,
    files: filesOf(container, spec.volumes),
    cpuMilli: limits.cpu,
    memoryBytes: limits.memory,
    maxConcurrency: spec.containerConcurrency,
    scale: {
      ...(annotations.target === undefined ? {} : { targetConcurrency: annotations.target }),
      maxConcurrency: spec.containerConcurrency,
      min: minScale,
      max: annotations.maxScale,
      targetUtilization: annotations.targetUtilizationPercentage / 100,
      stableWindowMs: annotations.windowMs
    },
    min: minScale,
    initialScale: Math.max(1, minScale),
    timeoutMs: spec.timeoutMs,
    ...endOf(annotations, spec.timeoutMs),
    startDeadlineMs: annotations.progressDeadlineMs,
    startup: probeOf(container.startupProbe),
    readiness: probeOf(container.readinessProbe),
    ...livenessOf(annotations, container)
  }
}

/**
 * A manifest can only declare a TCP connection, because Kubernetes has no probe that accepts any answer; here an annotation
 * declares it. A folder that runs in place has no such probe: its developer may have paused it in a debugger.
 */
const livenessOf = (
  { anyAnswerLives, sourceDirectory }: Annotations,
  { livenessProbe }: KnativeContainer
): Pick<RevisionTemplate, "anyAnswerLives" | "liveness"> => {
  const liveness = probeOf(livenessProbe)
  if (!anyAnswerLives || liveness === undefined) return { anyAnswerLives: false, liveness }
  if (sourceDirectory !== undefined) return { anyAnswerLives: false, liveness: undefined }
  // Its delay is for a cluster: here a probe begins once an instance is ready.
  return { anyAnswerLives, liveness: { ...liveness, initialDelayMs: 0 } }
}

const programOf = (
  { sourceBuild, sourceDigest, sourceDirectory, sourcePackage, sourceScript }: Annotations,
  image: string
): InstanceSpec["program"] => {
  if (sourceDirectory !== undefined) {
    return {
      kind: "directory",
      directory: sourceDirectory,
      ...(sourceScript === undefined ? {} : { script: sourceScript })
    }
  }
  if (sourceDigest === undefined) return { kind: "image", image }
  return {
    kind: "snapshot",
    digest: sourceDigest,
    ...(sourcePackage === undefined ? {} : { package: sourcePackage }),
    ...(sourceBuild === undefined ? {} : { build: sourceBuild })
  }
}

/** Each mount is one key of a Secret, as a file. */
const filesOf = (
  { volumeMounts }: KnativeContainer,
  volumes: ReadonlyArray<SecretVolume>
): RevisionTemplate["files"] => {
  const volumeOf = new Map(volumes.map(({ name, secret }) => [name, secret]))
  return volumeMounts.flatMap(({ mountPath, name, subPath }) => {
    const volume = volumeOf.get(name)
    const item = volume?.items.find((item) => item.path === subPath)
    return volume === undefined || item === undefined
      ? []
      : [{ path: mountPath, secret: volume.secretName, key: item.key }]
  })
}

const probeOf = (probe: ContainerProbe | undefined): ProbeSpec | undefined =>
  probe === undefined
    ? undefined
    : {
        path: probe.httpGet?.path,
        initialDelayMs: probe.initialDelay,
        periodMs: probe.period,
        timeoutMs: probe.timeout,
        failureThreshold: probe.failureThreshold
      }
