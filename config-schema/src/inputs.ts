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

/** A check of an instance: an HTTP GET of `path`, which must answer 200 to 399, or a TCP connection. */
export interface ProbeInput {
  /** Path of an HTTP GET, such as `/healthz`. @default a TCP connection */
  readonly path?: `/${string}`
  /** Time before the first check. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "0s" */
  readonly initialDelay?: DurationQuantity
  /** Time between two checks. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "10s" */
  readonly period?: DurationQuantity
  /** Time that one check may take. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "1s" */
  readonly timeout?: DurationQuantity
  /** Failures in a row until the instance counts as failed. @default 3 */
  readonly failureThreshold?: number
}

export interface ProbesInput {
  /** Until it succeeds the others wait. */
  readonly startup?: ProbeInput
  /** Gets requests only while it succeeds. @default a TCP connection to the port */
  readonly readiness?: ProbeInput
  /** Is restarted when it fails. @default any answer within 10 seconds; on Kubernetes a TCP connection */
  readonly liveness?: ProbeInput
}

/** How many instances a service has. */
export interface ScaleInput {
  /** Instances kept even without requests. 0 lets the service go to zero. @default 0 */
  readonly min?: number
  /** Instances at most. @default 10 */
  readonly max?: number
  /** Target: requests at a time per instance, which the autoscaler aims at. @default 80 */
  readonly concurrency?: number
  /** Hard limit: requests at a time per instance; more wait. 0: none. (Knative `containerConcurrency`.) @default 0 */
  readonly maxConcurrency?: number
  /** How long without requests until an instance is given up, 6s to 1h: the autoscaler's stable window. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "60s" */
  readonly idle?: DurationQuantity
}

/** How a source is built: `false` not at all, a text the command, or a command with the folder that it leaves. Without it, the project's own `build` script is run if there is one. */
export type BuildInput =
  | false
  | string
  | {
      /** The command, by `sh`, with the project's own programs on the PATH. @default the project's own `build` script */
      readonly command?: string
      /** The folder that holds the site, or the program, relative to the source. @default found by itself */
      readonly output?: string
    }

export interface ImageInput {
  /** The image to run. Either this or `source`. */
  readonly image: string
  /** The folder whose program to run. Either this or `image`. */
  readonly source?: never
  /** How the source is built. @default its `build` script, if it has one */
  readonly build?: never
}

export interface SourceInput {
  /** The image to run. Either this or `source`. */
  readonly image?: never
  /** The folder whose program to run. Either this or `image`. */
  readonly source: string
  /** How the source is built. @default its `build` script, if it has one */
  readonly build?: BuildInput
}

export interface CommonInput {
  /** Replaces the image's entrypoint; for a source, what to run instead of its `start` script. `$(NAME)` is the variable NAME, `$$(NAME)` the text. @default the image's own */
  readonly command?: readonly [string, ...Array<string | LeftOut>]
  /** Arguments to the command, with `$(NAME)` as in `command`. @default the image's own */
  readonly args?: ReadonlyArray<string | LeftOut>
  /** The port that the program listens on. The program gets it as `PORT`. `"auto"`: the port that the image exposes. @default 8080 */
  readonly port?: number | "auto"
  /** `http1` (with WebSocket) or `h2c`: HTTP/2 without TLS, as gRPC needs. @default "http1" */
  readonly protocol?: "http1" | "h2c"
  /** Environment variables: name to value, or in TypeScript a contract of `envOf`. `PORT` means `port`. @default none */
  readonly env?: EnvInputs
  /** Secrets as files: absolute path to secret. @default none */
  readonly files?: Readonly<Record<`/${string}`, Secret>>
  /** vCPU per instance at most. In vCPU (`0.5`) or milli-vCPU (`"500m"`). @default 1 */
  readonly cpu?: CpuQuantity
  /** Memory per instance at most. In bytes, or with a unit: `"256Mi"`, `"1Gi"`. @default "512Mi" */
  readonly memory?: MemoryQuantity
  /** How many instances it has. */
  readonly scale?: ScaleInput
  /** How long one request may take, 1s to 1h. With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. @default "5m" */
  readonly timeout?: DurationQuantity
  /** How its instances are checked. @default the port must accept a TCP connection */
  readonly probes?: ProbesInput
  /** `public`: reached from outside at its URL; `internal`: by linked services only. @default "public" */
  readonly visibility?: "public" | "internal"
  /** Services that this one calls, besides those whose `url` or `host` its `env` names. */
  readonly links?: ReadonlyArray<Service | LeftOut>
  /** Where it may connect to besides its links and DNS: `"internet"`, `"none"`, or IPv4 ranges. @default "internet" */
  readonly egress?: "internet" | "none" | ReadonlyArray<string | LeftOut>
  /** Labels of one's own on its Kubernetes objects. @default none */
  readonly labels?: Readonly<Record<string, string>>
  /** Changes to its Kubernetes objects, by `patch(…)`, for fields that max-cloud doesn't have. Only what the server's operator allows, and only on Kubernetes. @default none */
  readonly manifests?: ReadonlyArray<Patch | LeftOut>
}

/** The fields of a service's Knative Service that a patch can set. */
export interface ServicePatchInput {
  /** Of the Knative Service. */
  readonly metadata?: {
    /** Annotations of one's own, and `serving.knative.dev/rollout-duration`. */
    readonly annotations?: Readonly<Record<string, string>>
  }
  /** What it runs. */
  readonly spec?: {
    /** What its revisions are made from. */
    readonly template?: {
      /** Of each revision and its pods. */
      readonly metadata?: {
        /** Annotations of its pods: one's own, and `autoscaling.knative.dev/metric`, `autoscaling.knative.dev/panic-threshold-percentage`, `autoscaling.knative.dev/panic-window-percentage`, `autoscaling.knative.dev/scale-down-delay`, `autoscaling.knative.dev/scale-to-zero-pod-retention-period`, `autoscaling.knative.dev/target`, `autoscaling.knative.dev/target-burst-capacity`, `autoscaling.knative.dev/target-utilization-percentage`, `autoscaling.knative.dev/window`. */
        readonly annotations?: Readonly<Record<string, string>>
      }
      /** Of its pods. */
      readonly spec?: {
        /** Labels that its nodes must have. */
        readonly nodeSelector?: Readonly<Record<string, string>>
        /** Volumes besides that of its secrets. */
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
          /** A folder that is empty when an instance starts, and goes with it. */
          readonly emptyDir?: {
            /** How much it may hold. An instance that writes more is stopped. */
            readonly sizeLimit: string
            /** `Memory`: it counts to the service's `memory`. @default the node's disk */
            readonly medium?: "Memory"
          }
        }>
        /** Its container. */
        readonly containers?: ReadonlyArray<{
          /** The service's one container. @default "user-container" */
          readonly name?: "user-container"
          /** The folder that its program starts in. */
          readonly workingDir?: string
          /** What it gets besides `cpu` and `memory`. */
          readonly resources?: {
            /** Devices and `ephemeral-storage` at most. */
            readonly limits?: Readonly<Record<string, string>>
            /** The same, reserved. */
            readonly requests?: Readonly<Record<string, string>>
          }
          /** Rights that it gives up. */
          readonly securityContext?: {
            /** `true`: its program can't write to the image's files. */
            readonly readOnlyRootFilesystem?: true
            /** `true`: it isn't started as root. */
            readonly runAsNonRoot?: true
            /** The user's number. */
            readonly runAsUser?: number
            /** The group's number. */
            readonly runAsGroup?: number
          }
          /** Where its volumes are found. */
          readonly volumeMounts?: ReadonlyArray<{
            /** A volume of the same patch. */
            readonly name: string
            /** Where it is found. */
            readonly mountPath: string
            /** Only this part of it. */
            readonly subPath?: string
            /** `true`: the program can't write to it. */
            readonly readOnly?: boolean
          }>
        }>
      }
    }
  }
}

/** The fields of a service's ServiceAccount that a patch can set. */
export interface ServiceAccountPatchInput {
  /** Of the ServiceAccount. */
  readonly metadata?: {
    /** Annotations of one's own, such as a cloud's role for its pods. */
    readonly annotations?: Readonly<Record<string, string>>
  }
}

export interface ConfigMapInput {
  /** Its kind. */
  readonly kind: "ConfigMap"
  /** Its version of the Kubernetes API. */
  readonly apiVersion: "v1"
  /** Its name, and labels and annotations of one's own. */
  readonly metadata: {
    /** Name of the object, unique among those of its kind. */
    readonly name: string
    /** Labels of one's own. */
    readonly labels?: Readonly<Record<string, string>>
    /** Annotations of one's own. */
    readonly annotations?: Readonly<Record<string, string>>
  }
  /** Texts, by their names. */
  readonly data?: Readonly<Record<string, string>>
  /** Bytes in base64, by their names. */
  readonly binaryData?: Readonly<Record<string, string>>
}

export interface PodDisruptionBudgetInput {
  /** Its kind. */
  readonly kind: "PodDisruptionBudget"
  /** Its version of the Kubernetes API. */
  readonly apiVersion: "policy/v1"
  /** Its name, and labels and annotations of one's own. */
  readonly metadata: {
    /** Name of the object, unique among those of its kind. */
    readonly name: string
    /** Labels of one's own. */
    readonly labels?: Readonly<Record<string, string>>
    /** Annotations of one's own. */
    readonly annotations?: Readonly<Record<string, string>>
  }
  /** How many of its instances a drained node may take at a time. */
  readonly spec: {
    /** Instances that stay while nodes are drained: a number or a share. */
    readonly minAvailable?: number | string
    /** Instances that may be missing meanwhile: a number or a share. */
    readonly maxUnavailable?: number | string
    /** The service whose instances it protects. */
    readonly selector: {
      /** `{ "maxcloud.dev/service": "web" }`: a service of the app. */
      readonly matchLabels: {
        /** Its name. */
        readonly "maxcloud.dev/service": string
      }
    }
    /** Whether instances that aren't ready may always be moved. */
    readonly unhealthyPodEvictionPolicy?: "IfHealthyBudget" | "AlwaysAllow"
  }
}

/** An object of the app's own. */
export type ObjectInput = ConfigMapInput | PodDisruptionBudgetInput
