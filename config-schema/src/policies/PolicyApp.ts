import type { AppSpec } from "../appSpec.ts"
import type { EnvValue, SecretReference } from "../env.ts"
import { parseImageName } from "../imageName.ts"
import type { AppObject, ManifestPatch } from "../manifests.ts"
import type { Probe } from "../probes.ts"
import { linksOf, type ServiceSpec } from "../service.ts"

/** A probe, for policies. */
export interface PolicyProbe {
  /** null for a TCP connection. */
  readonly path: string | null
  readonly initialDelaySeconds: number
  readonly periodSeconds: number
  readonly timeoutSeconds: number
  readonly failureThreshold: number
}

/** A service, for policies: defaults are filled in, amounts are numbers, and absent values are null. */
export interface PolicyService {
  readonly name: string
  /** As the config writes it; null if it is built from `source`. */
  readonly image: string | null
  /** The image's registry; `docker.io` if it names none. */
  readonly registry: string | null
  /** The image's repository, such as `library/nginx`. */
  readonly repository: string | null
  /** The image's tag; `latest` if it has neither tag nor digest, null if it only has a digest. */
  readonly tag: string | null
  /** The image's digest: `sha256:…`. */
  readonly digest: string | null
  /** The source folder. */
  readonly source: string | null
  /** Empty for the image's own. */
  readonly command: ReadonlyArray<string>
  readonly args: ReadonlyArray<string>
  readonly port: number | "auto"
  readonly protocol: "http1" | "h2c"
  /** A text, or a reference such as `{ secret: "NAME" }`. */
  readonly env: Readonly<Record<string, EnvValue>>
  /** Secrets by path. */
  readonly files: Readonly<Record<string, SecretReference>>
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly scale: {
    readonly min: number
    readonly max: number
    readonly concurrency: number
    readonly maxConcurrency: number
    readonly idleSeconds: number
  }
  readonly timeoutSeconds: number
  /** Time for open requests, and then from SIGTERM to SIGKILL. */
  readonly drainSeconds: number
  readonly graceSeconds: number
  readonly probes: {
    readonly startup: PolicyProbe | null
    readonly readiness: PolicyProbe | null
    readonly liveness: PolicyProbe | null
  }
  readonly visibility: "public" | "internal"
  /** The services that it may call: its `links`, and those in its `env`. */
  readonly links: ReadonlyArray<string>
  readonly egress: "internet" | "none" | ReadonlyArray<string>
  readonly labels: Readonly<Record<string, string>>
  /** Patches of its Kubernetes objects. */
  readonly manifests: ReadonlyArray<ManifestPatch>
}

/** An app, for policies. Immutable plain data. */
export interface PolicyApp {
  readonly app: string
  readonly stage: string
  readonly services: ReadonlyArray<PolicyService>
  /** Services that other apps may call, with those apps. */
  readonly exports: Readonly<Record<string, { readonly to: ReadonlyArray<string> }>>
  /** Its additional Kubernetes objects. */
  readonly manifests: ReadonlyArray<AppObject>
}

const seconds = (milliseconds: number) => milliseconds / 1000

const probeOf = (probe: Probe | undefined): PolicyProbe | null =>
  probe === undefined
    ? null
    : {
        path: probe.path ?? null,
        initialDelaySeconds: seconds(probe.initialDelay),
        periodSeconds: seconds(probe.period),
        timeoutSeconds: seconds(probe.timeout),
        failureThreshold: probe.failureThreshold
      }

const serviceOf = (service: ServiceSpec): PolicyService => {
  const { args, command, cpu, egress, env, files, labels, memory, name, port, probes, protocol, scale } = service
  const image = service.image === undefined ? undefined : parseImageName(service.image)
  const { concurrency, idle, max, maxConcurrency, min } = scale
  return {
    name,
    image: service.image ?? null,
    registry: image?.registry ?? null,
    repository: image?.repository ?? null,
    tag: image?.tag ?? null,
    digest: image?.digest ?? null,
    source: service.source?.path ?? null,
    command: command ?? [],
    args: args ?? [],
    port,
    protocol,
    env,
    files,
    cpuMilli: cpu,
    memoryBytes: memory,
    scale: { min, max, concurrency, maxConcurrency, idleSeconds: seconds(idle) },
    timeoutSeconds: seconds(service.timeout),
    drainSeconds: seconds(service.drain ?? service.timeout),
    graceSeconds: seconds(service.grace),
    probes: {
      startup: probeOf(probes.startup),
      readiness: probeOf(probes.readiness),
      liveness: probeOf(probes.liveness)
    },
    visibility: service.visibility,
    links: linksOf(service),
    egress,
    labels,
    manifests: service.manifests ?? []
  }
}

/** The app for policies, in the repository and on the server. */
export const policyAppOf = ({ app, exports, manifests, services }: AppSpec, stage: string): PolicyApp => ({
  app,
  stage,
  services: services.map(serviceOf),
  exports,
  manifests: manifests ?? []
})

/** Fields of a config that have another name in policies. */
const writtenNames: Readonly<Record<string, string>> = {
  registry: "image",
  repository: "image",
  tag: "image",
  digest: "image",
  cpuMilli: "cpu",
  memoryBytes: "memory",
  timeoutSeconds: "timeout",
  drainSeconds: "drain",
  graceSeconds: "grace",
  idleSeconds: "idle",
  initialDelaySeconds: "initialDelay",
  periodSeconds: "period"
}

/** The path of a field in the config: `["memory"]` for `memoryBytes`, `["scale", "max"]` for `scale.max`. */
export const writtenField = (field: string | ReadonlyArray<string | number>): ReadonlyArray<string | number> => {
  const parts = typeof field === "string" ? (field === "" ? [] : field.split(".")) : field
  return parts.map((part, index) => {
    const isName = index === 0 || parts[0] === "scale" || parts[0] === "probes"
    return (isName && typeof part === "string" && Object.hasOwn(writtenNames, part) ? writtenNames[part] : part) ?? part
  })
}
