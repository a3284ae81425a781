import type { Build } from "@maxcloud/config-schema"
import type { Diagnosis, OrganizationId } from "@maxcloud/sdk/api"
import { Context, Data, type Deferred, type Effect, type Redacted } from "effect"
import type { Care } from "../../../stores/sources/SourceStore.ts"
import type { Protocol } from "../../diagnosis/listening.ts"
import type { ExecProcess, ExecRequest } from "../../port/Runtime.ts"

/** A check of an instance on its port; a TCP connection without `path` and `anyAnswer`. Times in milliseconds. */
export interface ProbeSpec {
  readonly path: string | undefined
  /** Any answer of the program to a request in this protocol is a success. The request names `host`. */
  readonly anyAnswer?: { readonly protocol: "http1" | "h2c"; readonly host: string }
  readonly initialDelayMs: number
  readonly periodMs: number
  readonly timeoutMs: number
  readonly failureThreshold: number
}

/** A revision's description of its instances. */
export interface InstanceTemplate {
  readonly program:
    | {
        readonly kind: "image"
        readonly image: string
        /** The `Instance.resolvedImage` found for this revision: run exactly this image, even if the tag has moved. */
        readonly resolved?: string | undefined
      }
    | {
        readonly kind: "snapshot"
        readonly digest: string
        /** The service's folder inside the snapshot. @default the snapshot itself */
        readonly package?: string
        /** @default the project's own `build` script */
        readonly build?: Build
      }
    | {
        readonly kind: "directory"
        readonly directory: string
        /** Runs this script, whose tool reloads automatically. Two of them in one folder would disturb each other. */
        readonly script?: "dev"
      }
  /** As written in the config: `$(NAME)` stands for the variable of that name, `$$` for `$` (`wordsOf`). */
  readonly command: ReadonlyArray<string> | undefined
  readonly args: ReadonlyArray<string> | undefined
  /**
   * The port in the config. An image listens on it inside its own network, and a process gets a free one in `PORT`. `auto`: the
   * port that the image exposes.
   */
  readonly port: number | "auto"
  /** How requests arrive. @default "http1" */
  readonly protocol?: Protocol
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly startup: ProbeSpec | undefined
  readonly readiness: ProbeSpec | undefined
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs: number
  /** How long it may take to become ready, in milliseconds. */
  readonly startDeadlineMs: number
}

/** Everything needed to start one instance of a revision. */
export interface InstanceSpec extends InstanceTemplate {
  readonly id: string
  readonly organizationId: OrganizationId
  /** Does it belong to the owner of this machine, and so of the container engine's store with every image in it? @default no */
  readonly ownsMachine?: boolean
  readonly namespace: string
  readonly service: string
  readonly revision: string
  /** How thoroughly to check a snapshot's build before it runs. @default "quick" */
  readonly care?: Care
  /**
   * The whole environment except `PORT`, with values in plain text: never log it. Contains `K_SERVICE`, `K_REVISION`,
   * `K_CONFIGURATION`.
   */
  readonly env: ReadonlyMap<string, string | Redacted.Redacted>
  /** Absolute path to value. Images only. */
  readonly files: ReadonlyMap<string, Redacted.Redacted>
  /**
   * The differences in a container, where links have other addresses. Evaluated if a snapshot turns out to be an image.
   * @default nothing
   */
  readonly inContainer?: Effect.Effect<Pick<InstanceSpec, "args" | "command" | "env" | "files">, InstanceFailed>
  readonly liveness: ProbeSpec | undefined
  /**
   * Signs of life from its requests. An answer to a request is as good as a probe's. If the instance has been as busy as it may
   * be, or can be, since before a probe was sent, it can't be expected to answer the probe. `answeredProbe` records an answered
   * probe.
   */
  readonly traffic?: {
    readonly answered: () => number
    readonly isFull: (since: number) => boolean
    readonly answeredProbe?: (since: number) => void
  }
  /** Receives its output as it arrives; must be fast. */
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void
  /** Receives the platform's own remarks about it (such as a limit that can't be set here), one line at a time. */
  readonly onSystem?: (line: string) => void
  /** Receives the output of its build, one line at a time, as it arrives; must be fast. */
  readonly onBuild?: (line: string) => void
  /** Receives the progress of its image's pull, one line at a time; undefined when it's finished. Must be fast. */
  readonly onPull?: (line: string | undefined) => void
  /** Receives the pull of its image, if one was needed. A pull for several instances is reported to one of them. */
  readonly onPulled?: (pull: { readonly imageId: string; readonly milliseconds: number }) => void
  /** Wraps the wait for its image, which then occupies no place in the queue of starts. @default no wrapper */
  readonly apart?: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Receives the reason why it isn't ready, and for a ready one what would fail on a cluster; undefined when that is over. */
  readonly onFinding?: (found: Diagnosis | undefined) => void
}

/** An instance ended. `wanted`: we stopped it. */
export interface InstanceExit {
  readonly code: number | null
  readonly signal: string | null
  readonly outOfMemory: boolean
  readonly wanted: boolean
  /** Who stopped it, as a clause, if neither its program nor the server did: somebody with the container engine. */
  readonly outside?: string | undefined
  /** Why the server stopped it: its liveness probe failed, or it doesn't speak HTTP. */
  readonly dead?: Diagnosis | undefined
}

/** An instance couldn't be started, or didn't become ready. `Stopped`: it was stopped before. */
export class InstanceFailed extends Data.TaggedError("InstanceFailed")<{
  readonly reason: Diagnosis["code"] | "Stopped"
  readonly message: string
  /** The program's exit code, if it exited on its own. */
  readonly exitCode?: number
  /** Evidence, one item per line. @default nothing */
  readonly evidence?: ReadonlyArray<string>
  /** How to fix it. @default the code's own fix */
  readonly fix?: string
  /** Can another attempt succeed without a change (the registry was unreachable), or not (the image doesn't exist)? */
  readonly retryable: boolean
  /** The earliest time for the next attempt, as requested by a registry. */
  readonly retryAfterMs?: number
}> {}

/** Turns a diagnosis into a failure. */
export const failedBy = ({ code, ...found }: Diagnosis, retryable: boolean, exitCode: number | null = null) =>
  new InstanceFailed({ ...found, reason: code, retryable, ...(exitCode === null ? {} : { exitCode }) })

export interface Instance {
  readonly id: string
  /** The origin of its program: its commands are in the image, or on this machine. @default "source" */
  readonly of?: "image" | "source"
  /** Its address for the proxy. Final only once it is `ready`, so don't read it earlier. */
  readonly host: string
  readonly port: number
  /** The ports that a container's image exposes, and those of this machine that lead to them. @default none */
  readonly published?: ReadonlyArray<{ readonly declaredPort: number; readonly port: number }>
  /** The id (`sha256:…`) of the image that a container runs. A revision never changes: start its other instances with it. */
  readonly resolvedImage?: string
  /** Completes when it is ready for requests; fails if it exits first or its deadline passes. */
  readonly ready: Deferred.Deferred<void, InstanceFailed>
  /** Completes when it has ended. */
  readonly exited: Deferred.Deferred<InstanceExit>
  /** Is its readiness probe succeeding now? */
  readonly isReady: () => boolean
  /**
   * Runs another program beside its own, with the same user, folder and environment. That program ends with the instance at the
   * latest.
   */
  readonly exec?: (request: ExecRequest) => ExecProcess
  /** SIGTERM, the grace period, then SIGKILL. Returns when it has ended with all its children. */
  readonly stop: Effect.Effect<void>
}

/** A namespace of one organization, which gets its own network. */
export interface NetworkOwner {
  readonly organizationId: OrganizationId
  readonly namespace: string
}

/** The address at which a namespace's containers reach a listener on this machine. */
export interface ContainerHost {
  /** The name or address that a container uses: `http://<address>:<port>`. */
  readonly address: string
  /**
   * The address on which the listener must listen: `127.0.0.1` if the engine forwards to it, the bridge's own address if the
   * bridge already exists, or else `0.0.0.0`, because the engine creates its bridge only with the first container.
   */
  readonly bind: () => string
  /** Does a connection from this address come from that namespace's containers? A listener must hang up on all others. */
  readonly accepts: (remoteAddress: string) => boolean
}

/** Starts instances as processes (sources) or containers (images), and leaves no orphans. */
export class Instances extends Context.Tag("@maxcloud/server/Instances")<
  Instances,
  {
    /** Returns once it runs (not yet ready). Its lifetime isn't bound to interruption or a scope, only to `stop`. */
    readonly start: (spec: InstanceSpec) => Effect.Effect<Instance, InstanceFailed>
    /** Checks the whole build of a program's source. False if it is damaged or missing: an instance would start with a build. */
    readonly isWhole: (spec: Pick<InstanceSpec, "command" | "organizationId" | "program">) => Effect.Effect<boolean>
    /** Can this kind of program run here for that namespace? Otherwise a sentence that says why not, and what to do. */
    readonly missing: (
      kind: "image" | "snapshot" | "directory",
      owner: NetworkOwner
    ) => Effect.Effect<string | undefined>
    /** What runs instead of this image without a container engine: a function of this process, or a process of this machine. */
    readonly standInOf: (image: string) => "command" | "function" | undefined
    /** The address at which a namespace's containers reach a listener on this machine; undefined without a container engine. */
    readonly containerHost: (owner: NetworkOwner) => Effect.Effect<ContainerHost | undefined, InstanceFailed>
    /** Removes a namespace's resources on this machine besides its instances, once its last service is gone. */
    readonly removeNamespace: (owner: NetworkOwner) => Effect.Effect<void>
    /**
     * Stops whatever an earlier run of the server in this data folder left running, and returns how many. Call it once, before
     * `start`.
     */
    readonly clean: Effect.Effect<number>
  }
>() {}
