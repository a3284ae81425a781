import { type AppName, defaultPort, type Probe, type ServiceSpec } from "@maxcloud/config-schema"
import { annotation } from "./annotations.ts"
import type { Environment } from "./environment.ts"
import { secretVariables, wordOf } from "./expand.ts"
import { type Image, imageOf } from "./image.ts"
import type {
  ContainerProbe,
  KnativeContainer,
  Resources,
  RevisionTemplate,
  SecurityContext
} from "./KnativeService.ts"
import type { TenantContext } from "./tenant.ts"

/** What Knative allows a service's `timeout` by default; its installation raises `max-revision-timeout-seconds` for more. */
export const defaultMaxTimeoutSeconds = 600

const seconds = (milliseconds: number) => Math.round(milliseconds / 1000)

/** The template of a service's revisions: whatever changes here makes a new one. */
export const revisionTemplateOf = (
  app: AppName,
  service: ServiceSpec,
  tenant: TenantContext,
  labels: Readonly<Record<string, string>>,
  environment: Environment
): RevisionTemplate => {
  const image = imageOf(app, service, tenant)
  const timeoutSeconds = seconds(service.timeout)
  return {
    metadata: {
      labels,
      annotations: {
        ...image.annotations,
        ...portAnnotations(service),
        ...(service.probes.liveness === undefined ? { [annotation.liveness]: "any-answer" } : {}),
        ...scaleAnnotations(service, tenant),
        ...restartAnnotations(service, tenant)
      }
    },
    spec: {
      ...(tenant.runtimeClass === undefined ? {} : { runtimeClassName: tenant.runtimeClass }),
      serviceAccountName: service.name,
      automountServiceAccountToken: false,
      // Hundreds of variables for hundreds of neighbours make every start slower, and tell of them.
      enableServiceLinks: false,
      containerConcurrency: service.scale.maxConcurrency,
      timeoutSeconds,
      responseStartTimeoutSeconds: timeoutSeconds,
      containers: [containerOf(service, image, environment, securityContext(image, tenant))],
      ...(environment.volumes.length === 0 ? {} : { volumes: environment.volumes })
    }
  }
}

const portAnnotations = ({ port }: ServiceSpec): Readonly<Record<string, string>> =>
  port === "auto" ? { [annotation.port]: port } : {}

const restartAnnotations = ({ name }: ServiceSpec, { restarts }: TenantContext): Readonly<Record<string, string>> => {
  const at = restarts?.get(name)
  return at === undefined ? {} : { [annotation.restartedAt]: at }
}

/** Two minutes, for scheduling and the image, and the time that the probes allow a start. In seconds. */
const deadlineOf = ({ probes: { readiness, startup } }: ServiceSpec): number => {
  const start =
    startup === undefined
      ? (readiness?.initialDelay ?? 0)
      : startup.initialDelay + startup.period * startup.failureThreshold
  return 120 + seconds(start)
}

/** `concurrency` is what the autoscaler aims at, so all of the target is used (Knative's default of 70 % would aim at less). */
const scaleAnnotations = (
  service: ServiceSpec,
  { pausedServices }: TenantContext
): Readonly<Record<string, string>> => {
  const { name, scale } = service
  return {
    "autoscaling.knative.dev/min-scale": String(pausedServices.has(name) ? 0 : scale.min),
    "autoscaling.knative.dev/max-scale": String(scale.max),
    "autoscaling.knative.dev/target": String(scale.concurrency),
    "autoscaling.knative.dev/target-utilization-percentage": "100",
    "autoscaling.knative.dev/window": `${seconds(scale.idle)}s`,
    "serving.knative.dev/progress-deadline": `${deadlineOf(service)}s`
  }
}

const containerOf = (
  service: ServiceSpec,
  { image, resolved }: Image,
  { env, volumeMounts }: Environment,
  context: SecurityContext
): KnativeContainer => {
  const { liveness, readiness, startup } = service.probes
  const secrets = secretVariables(service)
  const port = service.port === "auto" ? (resolved?.port ?? defaultPort) : service.port
  return {
    // Knative's own default, written out since server-side apply keys containers by it.
    name: "user-container",
    image,
    // By digest Kubernetes would take what any tenant's pod has brought onto the node, and ask nobody.
    ...(resolved?.needsCredentials === true ? { imagePullPolicy: "Always" as const } : {}),
    ...(service.command === undefined ? {} : { command: service.command.map((_) => wordOf(_, secrets)) }),
    ...(service.args === undefined ? {} : { args: service.args.map((_) => wordOf(_, secrets)) }),
    ports: [{ name: service.protocol, containerPort: port }],
    ...(env.length === 0 ? {} : { env }),
    resources: resourcesOf(service),
    ...(startup === undefined ? {} : { startupProbe: probeOf(startup, port) }),
    ...(readiness === undefined ? {} : { readinessProbe: probeOf(readiness, port) }),
    livenessProbe: liveness === undefined ? defaultLiveness(port, deadlineOf(service)) : probeOf(liveness, port),
    securityContext: context,
    // Knative tells the termination message where a container fails: so it is the last lines of its log.
    terminationMessagePolicy: "FallbackToLogsOnError",
    ...(volumeMounts.length === 0 ? {} : { volumeMounts })
  }
}

/**
 * Whoever declares nothing still gets a program restarted that accepts no connections any more. Kubernetes has no probe that any answer
 * satisfies: an HTTP GET fails from status 400 on, which a healthy API answers on `/`. It begins when a start has either succeeded or failed.
 */
const defaultLiveness = (port: number, initialDelaySeconds: number): ContainerProbe => ({
  tcpSocket: { port },
  initialDelaySeconds,
  periodSeconds: 10,
  timeoutSeconds: 10,
  failureThreshold: 3
})

const probeOf = (probe: Probe, port: number): ContainerProbe => ({
  ...(probe.path === undefined ? { tcpSocket: { port } } : { httpGet: { path: probe.path, port } }),
  initialDelaySeconds: seconds(probe.initialDelay),
  periodSeconds: seconds(probe.period),
  timeoutSeconds: seconds(probe.timeout),
  failureThreshold: probe.failureThreshold
})

/** Memory is kept for an instance whole, since it cannot be given back; of CPU a tenth, since what is idle can be shared. */
const resourcesOf = ({ cpu, memory }: ServiceSpec): { readonly limits: Resources; readonly requests: Resources } => ({
  limits: { cpu: milliCpu(cpu), memory: bytes(memory) },
  requests: { cpu: milliCpu(Math.max(10, Math.ceil(cpu / 10))), memory: bytes(memory) }
})

const milliCpu = (milli: number) => (milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`)

const bytes = (size: number): string => {
  for (const [unit, factor] of [
    ["Gi", 2 ** 30],
    ["Mi", 2 ** 20],
    ["Ki", 2 ** 10]
  ] as const) {
    if (size % factor === 0) return `${size / factor}${unit}`
  }
  return String(size)
}

/**
 * An image that is known not to run as root, and any in a namespace that enforces it, gets the whole `restricted` context of
 * the Pod Security Standards; another keeps the default capabilities but NET_RAW and MKNOD, so that `nginx:latest` runs.
 */
const securityContext = ({ resolved }: Image, tenant: TenantContext): SecurityContext => {
  const restricted = tenant.podSecurity === "restricted" || resolved?.nonRoot === true
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: restricted ? ["ALL"] : ["MKNOD", "NET_RAW"] },
    ...(restricted ? { runAsNonRoot: true } : {}),
    seccompProfile: { type: "RuntimeDefault" }
  }
}
