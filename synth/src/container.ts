import { defaultPort, type Probe, type ServiceSpec } from "@maxcloud/config-schema"
import { Schema } from "effect"
import type { Environment } from "./environment.ts"
import { secretVariables, wordOf } from "./expand.ts"
import type { Image } from "./image.ts"
import type { TenantContext } from "./tenant.ts"
import { Bytes, listed, MilliCpu, secondsAt, Texts } from "./values.ts"

/** Kubernetes expands `$(NAME)` in `value`; see `literal`. */
export const EnvVar = Schema.Union(
  Schema.Struct({
    name: Schema.String,
    valueFrom: Schema.Struct({ secretKeyRef: Schema.Struct({ name: Schema.String, key: Schema.String }) })
  }),
  Schema.Struct({ name: Schema.String, value: Schema.optionalWith(Schema.String, { default: () => "" }) })
)
export type EnvVar = typeof EnvVar.Type

/** The port is always the container's. Knative adds it to readiness and liveness probes, but not to startup probes. */
const Port = Schema.optional(Schema.Number)

export const ContainerProbe = Schema.Struct({
  httpGet: Schema.optional(
    Schema.Struct({ path: Schema.optionalWith(Schema.String, { default: () => "/" }), port: Port })
  ),
  tcpSocket: Schema.optional(Schema.Struct({ port: Port })),
  initialDelay: secondsAt("initialDelaySeconds", 0),
  period: secondsAt("periodSeconds", 10_000),
  timeout: secondsAt("timeoutSeconds", 1000),
  failureThreshold: Schema.optionalWith(Schema.Number, { default: () => 3 })
})
export type ContainerProbe = typeof ContainerProbe.Type

/** Knative refuses a pod's own `securityContext` by default (feature `kubernetes.podspec-securitycontext`), and `capabilities.add`. */
const SecurityContext = Schema.Struct({
  allowPrivilegeEscalation: Schema.Boolean,
  capabilities: Schema.Struct({ drop: Texts }),
  runAsNonRoot: Schema.optional(Schema.Boolean),
  seccompProfile: Schema.Struct({ type: Schema.String })
})
export type SecurityContext = typeof SecurityContext.Type

const Resources = Schema.Struct({
  cpu: Schema.optionalWith(MilliCpu, { default: () => 1000 }),
  memory: Schema.optionalWith(Bytes, { default: () => 512 * 2 ** 20 })
})
export type Resources = typeof Resources.Type

export const VolumeMount = Schema.Struct({
  name: Schema.String,
  mountPath: Schema.String,
  subPath: Schema.String,
  readOnly: Schema.optionalWith(Schema.Boolean, { default: () => true })
})
export type VolumeMount = typeof VolumeMount.Type

export const KnativeContainer = Schema.Struct({
  imagePullPolicy: Schema.optional(Schema.String),
  /** Knative's default, written out because it is the merge key of containers in server-side apply. */
  name: Schema.optionalWith(Schema.String, { default: () => "user-container" }),
  image: Schema.String,
  command: Schema.optional(Texts),
  args: Schema.optional(Texts),
  ports: listed(
    Schema.Struct({
      name: Schema.optionalWith(Schema.Literal("http1", "h2c"), { default: () => "http1" }),
      containerPort: Schema.Number
    })
  ),
  env: listed(EnvVar),
  resources: Schema.optionalWith(
    Schema.Struct({ limits: Schema.optional(Resources), requests: Schema.optional(Resources) }),
    { default: () => ({}) }
  ),
  startupProbe: Schema.optional(ContainerProbe),
  readinessProbe: Schema.optional(ContainerProbe),
  livenessProbe: Schema.optional(ContainerProbe),
  securityContext: Schema.optional(SecurityContext),
  terminationMessagePolicy: Schema.optional(Schema.String),
  volumeMounts: listed(VolumeMount)
})
export type KnativeContainer = typeof KnativeContainer.Type

/** Two minutes for scheduling and the image, plus the time that the probes allow for a start. */
export const deadlineMsOf = ({ probes: { readiness, startup } }: ServiceSpec): number => {
  const start =
    startup === undefined
      ? (readiness?.initialDelay ?? 0)
      : startup.initialDelay + startup.period * startup.failureThreshold
  return 120_000 + start
}

/** The only container of a service. */
export const containerOf = (
  service: ServiceSpec,
  { image, resolved }: Image,
  { env, volumeMounts }: Environment,
  context: SecurityContext
): KnativeContainer => {
  const { liveness, readiness, startup } = service.probes
  const secrets = secretVariables(service)
  const port = service.port === "auto" ? (resolved?.port ?? defaultPort) : service.port
  return {
    name: "user-container",
    image,
    // With a digest, Kubernetes would use an image that any tenant's pod has pulled onto the node, without asking the registry.
    imagePullPolicy: resolved?.needsCredentials === true ? "Always" : undefined,
    command: service.command?.map((value) => wordOf(value, secrets)),
    args: service.args?.map((arg) => wordOf(arg, secrets)),
    ports: [{ name: service.protocol, containerPort: port }],
    env,
    resources: resourcesOf(service),
    startupProbe: startup && probeOf(startup, port),
    readinessProbe: readiness && probeOf(readiness, port),
    livenessProbe: liveness === undefined ? defaultLiveness(port, deadlineMsOf(service)) : probeOf(liveness, port),
    securityContext: context,
    // If a container fails, Knative reports its termination message, so use the last lines of its log.
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts
  }
}

/**
 * Restarts a program that no longer accepts connections, even if its service declares no probe. Kubernetes has no probe that accepts every
 * answer: an HTTP GET fails for status 400 and above, which a healthy API may return for `/`. It starts once a start has either succeeded or
 * failed.
 */
const defaultLiveness = (port: number, initialDelay: number): ContainerProbe => ({
  tcpSocket: { port },
  initialDelay,
  period: 10_000,
  timeout: 10_000,
  failureThreshold: 3
})

const probeOf = ({ path, ...times }: Probe, port: number): ContainerProbe =>
  path === undefined ? { tcpSocket: { port }, ...times } : { httpGet: { path, port }, ...times }

/** An instance reserves all of its memory, because memory can't be reclaimed, but only a tenth of its CPU, because idle CPU can be shared. */
const resourcesOf = ({ cpu, memory }: ServiceSpec) => ({
  limits: { cpu, memory },
  requests: { cpu: Math.max(10, Math.ceil(cpu / 10)), memory }
})

/**
 * An image that is known not to run as root, and any image in a namespace that enforces it, gets the complete `restricted` context of the Pod
 * Security Standards. Others keep the default capabilities except NET_RAW and MKNOD, so that `nginx:latest` runs.
 */
export const securityContext = ({ resolved }: Image, tenant: TenantContext): SecurityContext => {
  const restricted = tenant.podSecurity === "restricted" || resolved?.nonRoot === true
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: restricted ? ["ALL"] : ["MKNOD", "NET_RAW"] },
    ...(restricted ? { runAsNonRoot: true } : {}),
    seccompProfile: { type: "RuntimeDefault" }
  }
}
