// Written by `npm run generate` from the Schemas beside this file: change it there.
import type {
  CpuQuantity,
  DurationQuantity,
  EnvInputs,
  LeftOut,
  MemoryQuantity,
  Patch,
  Secret,
  Service
} from "./authoring.ts"

/** A check of an instance: an HTTP GET of `path`, which must return a status from 200 to 399, or a TCP connection. */
export interface ProbeInput {
  /** Path of an HTTP GET, such as `/healthz`. @default a TCP connection */
  readonly path?: `/${string}`
  /** Delay before the first check. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "0s" */
  readonly initialDelay?: DurationQuantity
  /** Time between two checks. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "10s" */
  readonly period?: DurationQuantity
  /** Timeout of one check. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "1s" */
  readonly timeout?: DurationQuantity
  /** Consecutive failures until the instance counts as failed. @default 3 */
  readonly failureThreshold?: number
}

export interface ProbesInput {
  /** The other probes wait until it succeeds. */
  readonly startup?: ProbeInput
  /** The instance gets requests only while it succeeds. @default a TCP connection to the port */
  readonly readiness?: ProbeInput
  /** The instance is restarted when it fails. @default any answer within 10 seconds; on Kubernetes a TCP connection */
  readonly liveness?: ProbeInput
}

/** How many instances a service has. */
export interface ScaleInput {
  /** Minimum number of instances, even without requests. 0 lets the service scale to zero. @default 0 */
  readonly min?: number
  /** Maximum number of instances. @default 10 */
  readonly max?: number
  /** Target of concurrent requests per instance, for the autoscaler. @default 80 */
  readonly concurrency?: number
  /** Hard limit of concurrent requests per instance; others wait. 0 means no limit. (Knative `containerConcurrency`.) @default 0 */
  readonly maxConcurrency?: number
  /** How long an instance stays without requests, 6s to 1h: the autoscaler's stable window. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "60s" */
  readonly idle?: DurationQuantity
}

/** The build of a source: `false` to skip it, a command as text, or a command with its output folder. By default, the project's own `build` script runs, if it has one. */
export type BuildInput =
  | false
  | string
  | {
      /** The command, run by `sh`, with the project's own programs on the PATH. @default the project's own `build` script */
      readonly command?: string
      /** The folder with the built site or program, relative to the source. @default detected */
      readonly output?: string
    }

export interface ImageInput {
  /** The image to run. Either this or `source`. */
  readonly image: string
  /** The folder with the program to run. Either this or `image`. */
  readonly source?: never
  /** The build of the source. @default its `build` script, if it has one */
  readonly build?: never
}

export interface SourceInput {
  /** The image to run. Either this or `source`. */
  readonly image?: never
  /** The folder with the program to run. Either this or `image`. */
  readonly source: string
  /** The build of the source. @default its `build` script, if it has one */
  readonly build?: BuildInput
}

export interface CommonInput {
  /** Replaces the image's entrypoint, or a source's `start` script. `$(NAME)` is the variable NAME, `$$(NAME)` the text. @default the image's own */
  readonly command?: readonly [string, ...Array<string | LeftOut>]
  /** Arguments of the command, with `$(NAME)` as in `command`. @default the image's own */
  readonly args?: ReadonlyArray<string | LeftOut>
  /** The port that the program listens on. The program gets it as `PORT`. `"auto"` means the port that the image exposes. @default 8080 */
  readonly port?: number | "auto"
  /** `http1` (with WebSocket), or `h2c` (HTTP/2 without TLS, for gRPC). @default "http1" */
  readonly protocol?: "http1" | "h2c"
  /** Environment variables by name, or in TypeScript a contract from `envOf`. `PORT` means `port`. @default none */
  readonly env?: EnvInputs
  /** Secrets as files, by absolute path. @default none */
  readonly files?: Readonly<Record<`/${string}`, Secret>>
  /** Maximum vCPU per instance. In vCPU (`0.5`) or milli-vCPU (`"500m"`). @default 1 */
  readonly cpu?: CpuQuantity
  /** Maximum memory per instance. In bytes, or with a unit: `"256Mi"`, `"1Gi"`. @default "512Mi" */
  readonly memory?: MemoryQuantity
  /** The number of instances. */
  readonly scale?: ScaleInput
  /** Timeout of one request, 1s to 1h. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "5m" */
  readonly timeout?: DurationQuantity
  /** How long an instance that stops may take to finish its open requests, at most `timeout`. Then the program gets SIGTERM. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default `timeout`, or at most 30s if the service is removed */
  readonly drain?: DurationQuantity
  /** How long the program may run after SIGTERM, 1s to 1h. Then it gets SIGKILL. On Kubernetes, `drain` and `grace` share `timeout`, and `grace` only shortens it when the service is removed. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "30s" */
  readonly grace?: DurationQuantity
  /** Health checks of its instances. @default the port must accept a TCP connection */
  readonly probes?: ProbesInput
  /** `public`: anybody can reach it at its URL. `internal`: only linked services can. @default "public" */
  readonly visibility?: "public" | "internal"
  /** Services that this one calls, besides those with a `url` or `host` in its `env`. */
  readonly links?: ReadonlyArray<Service | LeftOut>
  /** Allowed connections besides its links and DNS: `"internet"`, `"none"`, or IPv4 ranges. @default "internet" */
  readonly egress?: "internet" | "none" | ReadonlyArray<string | LeftOut>
  /** Custom labels on its Kubernetes objects. @default none */
  readonly labels?: Readonly<Record<string, string>>
  /** Changes to its Kubernetes objects with `patch(…)`, for fields that max-cloud doesn't have. Only fields that the server's operator allows, and only on Kubernetes. @default none */
  readonly manifests?: ReadonlyArray<Patch | LeftOut>
}

/** The fields of a service's Knative Service that a patch can set. */
export interface ServicePatchInput {
  /** Metadata of the Knative Service. */
  readonly metadata?: {
    /** Custom annotations, and `serving.knative.dev/rollout-duration`. */
    readonly annotations?: Readonly<Record<string, string>>
  }
  /** The spec of the Knative Service. */
  readonly spec?: {
    /** The template of its revisions. */
    readonly template?: {
      /** Metadata of each revision and its pods. */
      readonly metadata?: {
        /** Annotations of its pods: custom ones, and `autoscaling.knative.dev/metric`, `autoscaling.knative.dev/panic-threshold-percentage`, `autoscaling.knative.dev/panic-window-percentage`, `autoscaling.knative.dev/scale-down-delay`, `autoscaling.knative.dev/scale-to-zero-pod-retention-period`, `autoscaling.knative.dev/target`, `autoscaling.knative.dev/target-burst-capacity`, `autoscaling.knative.dev/target-utilization-percentage`, `autoscaling.knative.dev/window`. */
        readonly annotations?: Readonly<Record<string, string>>
      }
      /** The spec of its pods. */
      readonly spec?: {
        /** Required labels of its nodes. */
        readonly nodeSelector?: Readonly<Record<string, string>>
        /** Volumes, besides the one for its secrets. */
        readonly volumes?: ReadonlyArray<{
          /** Name of the volume. */
          readonly name: string
          /** Files from a ConfigMap. */
          readonly configMap?: {
            /** A ConfigMap among the app's own `manifests`. */
            readonly name: string
            /** The keys that become files. @default all */
            readonly items?: ReadonlyArray<{
              /** Key of the ConfigMap. */
              readonly key: string
              /** Its file in the volume. */
              readonly path: string
            }>
          }
          /** A folder that is empty when an instance starts, and is deleted with it. */
          readonly emptyDir?: {
            /** Its maximum size. An instance that writes more is stopped. */
            readonly sizeLimit: string
            /** `Memory` uses RAM, which counts towards the service's `memory`. @default the node's disk */
            readonly medium?: "Memory"
          }
        }>
        /** Its container. */
        readonly containers?: ReadonlyArray<{
          /** The service's only container. @default "user-container" */
          readonly name?: "user-container"
          /** The program's working directory. */
          readonly workingDir?: string
          /** Resources besides `cpu` and `memory`. */
          readonly resources?: {
            /** The maximum of devices and `ephemeral-storage`. */
            readonly limits?: Readonly<Record<string, string>>
            /** The reserved amounts. */
            readonly requests?: Readonly<Record<string, string>>
          }
          /** Privileges to drop. */
          readonly securityContext?: {
            /** `true` prevents its program from writing to the image's files. */
            readonly readOnlyRootFilesystem?: true
            /** `true` prevents it from starting as root. */
            readonly runAsNonRoot?: true
            /** The user's number. */
            readonly runAsUser?: number
            /** The group's number. */
            readonly runAsGroup?: number
          }
          /** The mount paths of its volumes. */
          readonly volumeMounts?: ReadonlyArray<{
            /** A volume in the same patch. */
            readonly name: string
            /** The mount path. */
            readonly mountPath: string
            /** Mount only this part of the volume. */
            readonly subPath?: string
            /** `true` prevents the program from writing to it. */
            readonly readOnly?: boolean
          }>
        }>
      }
    }
  }
}

/** The fields of a service's ServiceAccount that a patch can set. */
export interface ServiceAccountPatchInput {
  /** Metadata of the ServiceAccount. */
  readonly metadata?: {
    /** Custom annotations, such as a cloud role for its pods. */
    readonly annotations?: Readonly<Record<string, string>>
  }
}

export interface ConfigMapInput {
  /** Its kind. */
  readonly kind: "ConfigMap"
  /** Its Kubernetes API version. */
  readonly apiVersion: "v1"
  /** Its name, and custom labels and annotations. */
  readonly metadata: {
    /** Name of the object, unique for its kind. */
    readonly name: string
    /** Custom labels. */
    readonly labels?: Readonly<Record<string, string>>
    /** Custom annotations. */
    readonly annotations?: Readonly<Record<string, string>>
  }
  /** Texts, by name. */
  readonly data?: Readonly<Record<string, string>>
  /** Bytes in base64, by name. */
  readonly binaryData?: Readonly<Record<string, string>>
}

export interface PodDisruptionBudgetInput {
  /** Its kind. */
  readonly kind: "PodDisruptionBudget"
  /** Its Kubernetes API version. */
  readonly apiVersion: "policy/v1"
  /** Its name, and custom labels and annotations. */
  readonly metadata: {
    /** Name of the object, unique for its kind. */
    readonly name: string
    /** Custom labels. */
    readonly labels?: Readonly<Record<string, string>>
    /** Custom annotations. */
    readonly annotations?: Readonly<Record<string, string>>
  }
  /** How many of its instances a drain of nodes may stop at a time. */
  readonly spec: {
    /** Instances that stay while nodes are drained: a number or a percentage. */
    readonly minAvailable?: number | string
    /** Instances that may be missing meanwhile: a number or a percentage. */
    readonly maxUnavailable?: number | string
    /** The service that it protects. */
    readonly selector: {
      /** A service of the app: `{ "maxcloud.dev/service": "web" }`. */
      readonly matchLabels: {
        /** Its name. */
        readonly "maxcloud.dev/service": string
      }
    }
    /** Whether instances that aren't ready may always be moved. */
    readonly unhealthyPodEvictionPolicy?: "IfHealthyBudget" | "AlwaysAllow"
  }
}

/** One of the app's own objects. */
export type ObjectInput = ConfigMapInput | PodDisruptionBudgetInput
