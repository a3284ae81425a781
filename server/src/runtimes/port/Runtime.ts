import type { Readable, Writable } from "node:stream"
import type { AppName, AppSpec, OrganizationName, ServiceName, SpecIssue, StageName } from "@maxcloud/config-schema"
import type { Diagnosis, LogEntry, OrganizationId, ServiceState, TerminalSize, TrafficTarget } from "@maxcloud/sdk/api"
import type { Manifest, ObjectRef } from "@maxcloud/synth"
import { Context, Data, type Effect, type Option, type Scope, type Stream } from "effect"
import type { KnativeCondition, RuntimeRevision } from "./conditions.ts"

/** The reason of a service whose source is being built. Its message follows the build. */
export const building = "Building"

/** The reason of a service whose image is being pulled. Its message follows the pull. */
export const pulling = "Pulling"

/** The namespace of objects: one for each app and stage. */
export interface NamespaceKey {
  readonly organizationId: OrganizationId
  readonly organization: OrganizationName
  readonly app: AppName
  readonly stage: StageName
  /** Name of the namespace, as synth derives it. */
  readonly namespace: string
}

export interface ServiceKey extends NamespaceKey {
  readonly service: ServiceName
}

/** A runtime's view of a service. Believe conditions only if `observedGeneration` equals `generation` (Knative, "Rule 0"). */
export interface ServiceStatus {
  readonly service: ServiceName
  /** Grows with each change of the applied Knative Service. */
  readonly generation: number
  readonly observedGeneration: number
  readonly state: ServiceState
  readonly conditions: ReadonlyArray<KnativeCondition>
  readonly latestCreatedRevision: string | null
  readonly latestReadyRevision: string | null
  readonly traffic: ReadonlyArray<TrafficTarget>
  readonly instances: number
  /** For callers outside; null for an internal service. */
  readonly url: string | null
  /** The last lines of the newest revision's instance, where it failed; else empty. */
  readonly logTail: ReadonlyArray<string>
  /** Why it does not serve as it should. `null` where all is well or nothing is known yet. */
  readonly diagnosis: Diagnosis | null
  /** Will waiting not help? Then the deployment has failed, whatever `state` says yet. */
  readonly terminal: boolean
  /** Its requests are kept where they are since a deployment failed (`abandon`), until they are released. @default no */
  readonly held?: boolean
}

/** Another person's or program's change to one of our objects. */
export interface Drift {
  readonly key: NamespaceKey
  readonly object: ObjectRef
  readonly change: "edited" | "deleted"
  /** `managedFields[].manager` of who did it; null for a deletion, of an object or of a field, which leaves no name. */
  readonly manager: string | null
  /** Paths of the fields, such as `spec.template.spec.containers[user-container].env[DEBUG]`; empty for a deletion. */
  readonly fields: ReadonlyArray<string>
  /** When it was noticed. */
  readonly at: Date
}

/** The life of an instance, for usage. */
export interface InstanceRecord {
  /** Unique for ever: of a pod its uid. */
  readonly uid: string
  readonly key: ServiceKey
  readonly revision: string
  readonly instance: string
  /** When its containers began to run. */
  readonly startedAt: Date
  /** null: it runs. */
  readonly endedAt: Date | null
  /** Its reservation by its limits: milli-vCPU and bytes. */
  readonly cpuMilli: number
  readonly memoryBytes: number
}

export interface LogQuery {
  readonly key: ServiceKey
  readonly follow: boolean
  /** Epoch milliseconds. */
  readonly since: number | undefined
  readonly revision: string | undefined
  /** Lines to begin with. */
  readonly tail: number | undefined
  /** `LogEntry.cursor` of the last line that the reader has. */
  readonly after: string | undefined
}

/**
 * A runtime failed. `refused`: it will not ever take this (an invalid object); `unavailable`: for now (try again).
 * `message` says what, where and what to do, and holds no secret.
 */
export class RuntimeError extends Data.TaggedError("RuntimeError")<{
  readonly reason: "refused" | "unavailable"
  readonly message: string
  /** The stable code of the problem, if there is one. */
  readonly diagnosis?: Diagnosis | undefined
  readonly cause?: unknown
}> {}

/** A program to run beside a service's own, in one of its instances. */
export interface ExecRequest {
  /** The program and its arguments. */
  readonly command: ReadonlyArray<string>
  /** undefined: without a terminal. */
  readonly terminal: TerminalSize | undefined
}

/** It runs. Whoever started it calls `end`, in the end: then nothing of it is left where the runtime can see to that. */
export interface ExecProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  /** undefined: there is a terminal, and all comes by `stdout`. */
  readonly stderr: Readable | undefined
  /** The exit code, 128 and the signal's number where one ended it; rejects where it could not be run to its end. */
  readonly exit: Promise<number>
  readonly resize: (size: TerminalSize) => void
  readonly end: () => Promise<void>
}

export interface ApplyOptions {
  /** Take fields from other managers that hold them. Else a conflict is refused, naming the manager and the field. */
  readonly force: boolean
  /** Services whose newest revision is tried again if it has failed, as a new deployment wants. @default none */
  readonly retry?: ReadonlySet<string>
}

/**
 * Runs manifests. Both runtimes (local; Kubernetes with Knative) take the same manifests and speak in the same statuses.
 * Every method is idempotent. Manifests name secrets by name and version only; a runtime asks `Secrets` for the values.
 */
export class Runtime extends Context.Tag("@maxcloud/server/Runtime")<
  Runtime,
  {
    /** As `/api/v1/info` tells it. */
    readonly name: string
    /** May sources run in place from a folder (`maxcloud dev`)? */
    readonly inPlace: boolean
    /** Fields that this runtime cannot honour, as warnings with their path in the spec. */
    readonly limitations: (spec: AppSpec) => ReadonlyArray<SpecIssue>
    /** Reasons why this spec is impossible here and now, with the fix: no podman for an image, a missing feature. */
    readonly problems: (key: NamespaceKey, spec: AppSpec) => Effect.Effect<ReadonlyArray<SpecIssue>, RuntimeError>
    /** Creates or changes these objects. An unchanged Knative Service keeps its generation and makes no revision. */
    readonly apply: (
      key: NamespaceKey,
      manifests: ReadonlyArray<Manifest>,
      options: ApplyOptions
    ) => Effect.Effect<void, RuntimeError>
    /**
     * The deployment has failed: what isn't ready of these services never gets requests from it, however long it takes, unless a deployment
     * tries it again. Durable when it returns.
     */
    readonly abandon: (key: NamespaceKey, services: ReadonlyArray<ServiceName>) => Effect.Effect<void, RuntimeError>
    /** A deployment has brought the newest revision up: it may have the requests that were kept elsewhere. */
    readonly release: (key: NamespaceKey, services: ReadonlyArray<ServiceName>) => Effect.Effect<void, RuntimeError>
    /**
     * The problems with these manifests if they were applied, without changing anything: refusals by admission, conflicts, objects of
     * other owners. Paths begin with `services` if the service is known.
     */
    readonly dryRun: (
      key: NamespaceKey,
      spec: AppSpec,
      manifests: ReadonlyArray<Manifest>
    ) => Effect.Effect<ReadonlyArray<SpecIssue>, RuntimeError>
    /**
     * Removes these objects if they are ours; missing ones are no error. Returns when their services take no more requests. Locally their
     * instances have exited then. On Kubernetes, Knative Services and their revisions are gone, and pods may still finish their requests.
     */
    readonly remove: (key: NamespaceKey, refs: ReadonlyArray<ObjectRef>) => Effect.Effect<void, RuntimeError>
    /** Those of these objects that are not there any more, though they were applied. */
    readonly missing: (
      key: NamespaceKey,
      refs: ReadonlyArray<ObjectRef>
    ) => Effect.Effect<ReadonlyArray<ObjectRef>, RuntimeError>
    readonly status: (key: ServiceKey) => Effect.Effect<Option.Option<ServiceStatus>, RuntimeError>
    /** Services whose status may have changed. Level-triggered: a lost or repeated one does no harm. */
    readonly changes: Stream.Stream<ServiceKey>
    /** Other people's changes to our objects, as they are noticed. Applying the app's manifests again puts each one right. */
    readonly drift: Stream.Stream<Drift>
    /** Lives of instances, from now on and of those that run; level-triggered: one may come again with more known. */
    readonly instances: Stream.Stream<InstanceRecord>
    /**
     * Runs a program in an instance of the service, for as long as the scope is open, with the service's environment. `refused`: there is
     * no instance, and none can be started.
     */
    readonly exec: (
      key: ServiceKey,
      request: ExecRequest
    ) => Effect.Effect<ExecProcess & { readonly instance: string }, RuntimeError, Scope.Scope>
    readonly revisions: (key: ServiceKey) => Effect.Effect<ReadonlyArray<RuntimeRevision>, RuntimeError>
    /** Is this a cursor that `logs` has given? */
    readonly isLogCursor: (text: string) => boolean
    readonly logs: (query: LogQuery) => Stream.Stream<LogEntry, RuntimeError>
    /** Bytes of log lines that are kept of an organization; null: not counted here. */
    readonly logBytes: (organizationId: OrganizationId) => Effect.Effect<number | null>
  }
>() {}
