import type { Build } from "@maxcloud/config-schema"
import type { Diagnosis, OrganizationId } from "@maxcloud/sdk/api"
import { Context, Data, type Deferred, type Effect, type Redacted } from "effect"
import type { Care } from "../../../stores/sources/SourceStore.ts"
import type { ExecProcess, ExecRequest } from "../../port/Runtime.ts"

/** A check of an instance on its port; without `path` and `anyAnswer` a TCP connection. Times in milliseconds. */
export interface ProbeSpec {
  readonly path: string | undefined
  /** Any answer of the program to a request of this protocol is a success. The request is for `host`. */
  readonly anyAnswer?: { readonly protocol: "http1" | "h2c"; readonly host: string }
  readonly initialDelayMs: number
  readonly periodMs: number
  readonly timeoutMs: number
  readonly failureThreshold: number
}

/** A revision's description of each of its instances. */
export interface InstanceTemplate {
  readonly program:
    | {
        readonly kind: "image"
        readonly image: string
        /** The `Instance.resolvedImage` that was found for this revision: run exactly this image, even if the tag has moved. */
        readonly resolved?: string | undefined
      }
    | {
        readonly kind: "snapshot"
        readonly digest: string
        /** The folder inside the snapshot that is the service. @default the snapshot itself */
        readonly package?: string
        /** @default the project's own `build` script */
        readonly build?: Build
      }
    | {
        readonly kind: "directory"
        readonly directory: string
        /** Run by this script, whose tool reloads by itself. Two of them in one folder would disturb each other. */
        readonly script?: "dev"
      }
  /** As written: `$(NAME)` stands for the variable of that name, `$$` for `$` (`wordsOf`). */
  readonly command: ReadonlyArray<string> | undefined
  readonly args: ReadonlyArray<string> | undefined
  /**
   * The port that the config declares; an image listens on it inside its own network, a process gets a free one by `PORT`.
   * `auto`: what the image exposes.
   */
  readonly port: number | "auto"
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly startup: ProbeSpec | undefined
  readonly readiness: ProbeSpec | undefined
  /** Milliseconds that it has to become ready. */
  readonly startDeadlineMs: number
}

/** All that is needed to start one instance of a revision. */
export interface InstanceSpec extends InstanceTemplate {
  readonly id: string
  readonly organizationId: OrganizationId
  /** Is it of whoever owns this machine, and with it the container engine's store and every image in it? @default no */
  readonly ownsMachine?: boolean
  readonly namespace: string
  readonly service: string
  readonly revision: string
  /** How closely to check a snapshot's build before it runs. @default "quick" */
  readonly care?: Care
  /** The whole environment but `PORT`, values in the clear: never logged. Holds `K_SERVICE`, `K_REVISION`, `K_CONFIGURATION`. */
  readonly env: ReadonlyMap<string, string | Redacted.Redacted>
  /** Absolute path to value. Images only. */
  readonly files: ReadonlyMap<string, Redacted.Redacted>
  /** The differences in a container, whose links lead elsewhere. Evaluated if a snapshot turns out to be an image. @default nothing */
  readonly inContainer?: Effect.Effect<Pick<InstanceSpec, "args" | "command" | "env" | "files">, InstanceFailed>
  readonly liveness: ProbeSpec | undefined
  /**
   * Signs of life from its requests. An answer to a request is as good as a probe's. If the instance has been busy with as many requests
   * as it may take, or can, since before a probe was sent, it can't be expected to answer the probe. `answeredProbe` takes note of an
   * answered probe.
   */
  readonly traffic?: {
    readonly answered: () => number
    readonly isFull: (since: number) => boolean
    readonly answeredProbe?: (since: number) => void
  }
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs: number
  /** Takes what it writes, as it comes; must be fast. */
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void
  /** Takes what the platform itself has to say about it (a limit that cannot be set here), a line at a time. */
  readonly onSystem?: (line: string) => void
  /** Takes what its build does, a line at a time, as it comes; must be fast. */
  readonly onBuild?: (line: string) => void
  /** Takes how far the pull of its image is, a line at a time; undefined: it is over. Must be fast. */
  readonly onPull?: (line: string | undefined) => void
  /** Wraps the wait for its image, which then takes no place in the queue of starts. @default no wrapper */
  readonly apart?: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Takes what is seen of why it isn't ready, and of one that is ready what would fail on a cluster; undefined: nothing any more. */
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
  /** Why the server ended it: its liveness probe has failed, or it speaks no HTTP. */
  readonly dead?: Diagnosis | undefined
}

/** An instance couldn't be started, or didn't become ready. `Stopped`: it was stopped before. */
export class InstanceFailed extends Data.TaggedError("InstanceFailed")<{
  readonly reason: Diagnosis["code"] | "Stopped"
  readonly message: string
  /** The program's, if it exited by itself. */
  readonly exitCode?: number
  /** Evidence, a line each. @default nothing */
  readonly evidence?: ReadonlyArray<string>
  /** How to fix it. @default the code's own fix */
  readonly fix?: string
  /** Can another try succeed without a change (the registry was unreachable), or not (the image doesn't exist)? */
  readonly retryable: boolean
  /** The next try comes no sooner: a registry has said so. */
  readonly retryAfterMs?: number
}> {}

/** A diagnosis as a failure. */
export const failedBy = ({ code, ...found }: Diagnosis, retryable: boolean, exitCode: number | null = null) =>
  new InstanceFailed({ ...found, reason: code, retryable, ...(exitCode === null ? {} : { exitCode }) })

export interface Instance {
  readonly id: string
  /** The origin of its program. Its commands are in the image, or on this machine. @default "source" */
  readonly of?: "image" | "source"
  /** Its address for the proxy. Final only once it is `ready`, so don't read it before. */
  readonly host: string
  readonly port: number
  /** The id (`sha256:…`) of the image that a container runs. A revision never changes: start its other instances with it. */
  readonly resolvedImage?: string
  /** Completed when it is ready for requests; failed when it ended first or its deadline passed. */
  readonly ready: Deferred.Deferred<void, InstanceFailed>
  /** Completed when it has ended. */
  readonly exited: Deferred.Deferred<InstanceExit>
  /** Is its readiness probe succeeding now? */
  readonly isReady: () => boolean
  /** Runs another program beside its own, with the same user, folder and environment. It ends with the instance at the latest. */
  readonly exec?: (request: ExecRequest) => ExecProcess
  /** SIGTERM, the grace time, then SIGKILL. Returns when it has ended with all its children. */
  readonly stop: Effect.Effect<void>
}

/** A namespace of one organization: what gets a network of its own. */
export interface NetworkOwner {
  readonly organizationId: OrganizationId
  readonly namespace: string
}

/** The address at which containers of a namespace reach a listener of this machine. */
export interface ContainerHost {
  /** The name or address that a container uses: `http://<address>:<port>`. */
  readonly address: string
  /**
   * The address on which the listener has to listen. `127.0.0.1` where the engine leads there; the bridge's own address
   * where it exists already; else `0.0.0.0`, since the engine makes its bridge with the first container only.
   */
  readonly bind: () => string
  /** Does a connection from this address come from that namespace's containers? A listener has to hang up on all others. */
  readonly accepts: (remoteAddress: string) => boolean
}

/** Starts instances as processes (sources) or containers (images), and leaves no orphans. */
export class Instances extends Context.Tag("@maxcloud/server/Instances")<
  Instances,
  {
    /** Returns once it runs (not yet ready). Interruption or scope are not its lifetime: `stop` is. */
    readonly start: (spec: InstanceSpec) => Effect.Effect<Instance, InstanceFailed>
    /** Reads all that was built of a program's source. False if it is damaged or gone: an instance would begin with a build. */
    readonly isWhole: (spec: Pick<InstanceSpec, "command" | "organizationId" | "program">) => Effect.Effect<boolean>
    /** Can this kind of program run here for that namespace? Otherwise the sentence that says why not, and what to do. */
    readonly missing: (
      kind: "image" | "snapshot" | "directory",
      owner: NetworkOwner
    ) => Effect.Effect<string | undefined>
    /** What runs in the place of this image, without a container engine: a function of this process, or a process of this machine. */
    readonly standInOf: (image: string) => "command" | "function" | undefined
    /** The address at which containers of a namespace reach a listener of this machine; undefined without a container engine. */
    readonly containerHost: (owner: NetworkOwner) => Effect.Effect<ContainerHost | undefined, InstanceFailed>
    /** Removes what a namespace has on this machine besides its instances, once its last service is gone. */
    readonly removeNamespace: (owner: NetworkOwner) => Effect.Effect<void>
    /** Ends whatever an earlier run of the server in this data folder left running; returns how many. To be called once, before `start`. */
    readonly clean: Effect.Effect<number>
  }
>() {}
