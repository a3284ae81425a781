import type { Duplex, Readable, Writable } from "node:stream"
import type { AppName, AppSpec, OrganizationName, ServiceName, SpecIssue, StageName } from "@maxcloud/config-schema"
import type { Diagnosis, LogEntry, OrganizationId, ServiceState, TerminalSize, TrafficTarget } from "@maxcloud/sdk/api"
import type { Manifest, ObjectRef } from "@maxcloud/synth"
import { Context, Data, type Effect, type Option, type Scope, type Stream } from "effect"
import type { KnativeCondition, RuntimeRevision } from "./conditions.ts"
import type { Happening } from "./Happening.ts"
import type { Notice } from "./Notice.ts"

/** The reason of a service whose source is being built. Its message shows the build's progress. */
export const building = "Building"

/** The reason of a service whose image is being pulled. Its message shows the pull's progress. */
export const pulling = "Pulling"

/** The namespace of objects: one for each app and stage. */
export interface NamespaceKey {
  readonly organizationId: OrganizationId
  readonly organization: OrganizationName
  readonly app: AppName
  readonly stage: StageName
  /** Name of the namespace, as derived by synth. */
  readonly namespace: string
}

export interface ServiceKey extends NamespaceKey {
  readonly service: ServiceName
}

/** A runtime's view of a service. Its conditions count only if `observedGeneration` equals `generation` (Knative, "Rule 0"). */
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
  /** For external callers; null for an internal service. */
  readonly url: string | null
  /** The last lines of the newest revision's instance if it failed; otherwise empty. */
  readonly logTail: ReadonlyArray<string>
  /** Why it doesn't serve as it should. `null` if all is well or nothing is known yet. */
  readonly diagnosis: Diagnosis | null
  /** Is waiting useless? Then the deployment has failed, whatever `state` still says. */
  readonly terminal: boolean
  /**
   * The runtime gave its newest revision up, only because the cluster was unreachable while it started. It needs a new revision.
   * @default no
   */
  readonly expired?: boolean
  /** Its requests are pinned because a deployment failed (`abandon`), until they are released. @default no */
  readonly held?: boolean
  /** Everything around it is being deleted, so `instances` only shrinks: what it had before counts for its return. @default no */
  readonly losing?: boolean
}

/** Another person's or program's change to one of our objects. */
export interface Drift {
  readonly key: NamespaceKey
  readonly object: ObjectRef
  readonly change: "edited" | "deleted"
  /** `managedFields[].manager` of the author; null for a deletion of an object or a field, which leaves no name. */
  readonly manager: string | null
  /** Paths of the fields, such as `spec.template.spec.containers[user-container].env[DEBUG]`; empty for a deletion. */
  readonly fields: ReadonlyArray<string>
  /** When it was noticed. */
  readonly at: Date
}

/** A field of one of our objects that belongs to somebody else, and stays. */
export interface ForeignField {
  readonly object: ObjectRef
  readonly path: string
  readonly manager: string
  /** When the manager last changed its fields of the object; null: unknown. */
  readonly since: Date | null
}

/** `complete`: these are all. */
export interface ForeignFields {
  readonly fields: ReadonlyArray<ForeignField>
  readonly complete: boolean
}

/** The lifetime of an instance, for usage. */
export interface InstanceRecord {
  /** Unique forever: a pod's uid, for example. */
  readonly uid: string
  readonly key: ServiceKey
  readonly revision: string
  readonly instance: string
  /** When its containers started to run. */
  readonly startedAt: Date
  /** null: it is running. */
  readonly endedAt: Date | null
  /** Its reservation, from its limits: milli-vCPU and bytes. */
  readonly cpuMilli: number
  readonly memoryBytes: number
}

export interface LogQuery {
  readonly key: ServiceKey
  readonly follow: boolean
  /** Epoch milliseconds. */
  readonly since: number | undefined
  readonly revision: string | undefined
  /** How many existing lines to start with. */
  readonly tail: number | undefined
  /** `LogEntry.cursor` of the reader's last line. */
  readonly after: string | undefined
}

/**
 * A runtime failed. `refused`: permanently (an invalid object); `unavailable`: temporarily (retry). `message` says what, where
 * and what to do, and contains no secret.
 */
export class RuntimeError extends Data.TaggedError("RuntimeError")<{
  readonly reason: "refused" | "unavailable"
  readonly message: string
  /** The stable code of the problem, if there is one. */
  readonly diagnosis?: Diagnosis | undefined
  readonly cause?: unknown
  /** A named thing doesn't exist. */
  readonly missing?: "instance"
  /** The runtime is unreachable or still at it, so this says nothing about the request, and ends no deployment. @default no */
  readonly away?: boolean
  /** What the runtime is still at. @default it is unreachable */
  readonly doing?: "Draining"
}> {}

/** A program to run beside a service's own, in one of its instances. */
export interface ExecRequest {
  /** The program and its arguments. */
  readonly command: ReadonlyArray<string>
  /** undefined: without a terminal. */
  readonly terminal: TerminalSize | undefined
}

/** The line that `maxcloud exec` prints for a program that an image doesn't have. */
export const notInImage = (program: string, service: string): string =>
  `${program.slice(0, 200)}: not found in the image of ${service}`

/** It is running. Its starter must finally call `end`, which leaves nothing of it behind where the runtime can ensure that. */
export interface ExecProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  /** undefined: there is a terminal, and all output is in `stdout`. */
  readonly stderr: Readable | undefined
  /** The exit code, or 128 plus the signal's number; rejects if it couldn't run to its end. */
  readonly exit: Promise<number>
  readonly resize: (size: TerminalSize) => void
  readonly end: () => Promise<void>
}

/** A TCP connection to a port of an instance. */
export interface PortRequest {
  readonly port: number
  /** The service's own port, from its config. undefined: the one that the image exposes. */
  readonly declaredPort: number | undefined
  /** undefined: any instance. */
  readonly instance: string | undefined
}

export interface ApplyOptions {
  /** Take fields from other managers that hold them. Otherwise a conflict is refused with the manager and the field. */
  readonly force: boolean
  /** Services whose newest revision is tried again if it has failed, as for a new deployment. @default none */
  readonly retry?: ReadonlySet<string>
}

/** The number of instances with which new revisions of all services start; null: the runtime's default. */
export interface InitialScale {
  readonly get: Effect.Effect<string | null, RuntimeError>
  readonly set: (value: string | null) => Effect.Effect<void, RuntimeError>
}

/**
 * Runs manifests. Both runtimes (local; Kubernetes with Knative) accept the same manifests and report the same statuses. Every
 * method is idempotent. Manifests name secrets only by name and version; a runtime asks `Secrets` for the values.
 */
export class Runtime extends Context.Tag("@maxcloud/server/Runtime")<
  Runtime,
  {
    /** As shown by `/api/v1/info`. */
    readonly name: string
    /** May sources run in place from a folder (`maxcloud dev`)? */
    readonly inPlace: boolean
    /** Can others change the applied objects, so that the app must be applied again to repair them? */
    readonly repairs: boolean
    /** Fields that this runtime can't honour, as warnings with their path in the spec. */
    readonly limitations: (spec: AppSpec) => ReadonlyArray<SpecIssue>
    /** Reasons why this spec is impossible here and now, with the fix: no podman for an image, a missing feature. */
    readonly problems: (key: NamespaceKey, spec: AppSpec) => Effect.Effect<ReadonlyArray<SpecIssue>, RuntimeError>
    /** Creates or changes these objects. An unchanged Knative Service keeps its generation and gets no new revision. */
    readonly apply: (
      key: NamespaceKey,
      manifests: ReadonlyArray<Manifest>,
      options: ApplyOptions
    ) => Effect.Effect<void, RuntimeError>
    /**
     * The deployment has failed: revisions of these services that aren't ready never receive requests from it, however long they
     * take, unless a deployment tries them again. Durable when it returns.
     */
    readonly abandon: (key: NamespaceKey, services: ReadonlyArray<ServiceName>) => Effect.Effect<void, RuntimeError>
    /** A deployment has made the newest revision ready: it may receive the requests that were pinned elsewhere. */
    readonly release: (key: NamespaceKey, services: ReadonlyArray<ServiceName>) => Effect.Effect<void, RuntimeError>
    /**
     * The problems that applying these manifests would have, without changing anything: refusals by admission, conflicts, objects
     * of other owners. Paths begin with `services` if the service is known.
     */
    readonly dryRun: (
      key: NamespaceKey,
      spec: AppSpec,
      manifests: ReadonlyArray<Manifest>
    ) => Effect.Effect<ReadonlyArray<SpecIssue>, RuntimeError>
    /**
     * Removes these objects if they are ours; missing ones are skipped. Returns when their services accept no more requests.
     * Locally their instances have exited then. On Kubernetes, Knative Services and their revisions are gone, and pods may still
     * finish their requests.
     */
    readonly remove: (key: NamespaceKey, refs: ReadonlyArray<ObjectRef>) => Effect.Effect<void, RuntimeError>
    /** Those of these applied objects that no longer exist. */
    readonly missing: (
      key: NamespaceKey,
      refs: ReadonlyArray<ObjectRef>
    ) => Effect.Effect<ReadonlyArray<ObjectRef>, RuntimeError>
    readonly status: (key: ServiceKey) => Effect.Effect<Option.Option<ServiceStatus>, RuntimeError>
    /**
     * Is the last `status` of a service the current one? It may be outdated, for example because a connection broke unnoticed. Ask
     * before a verdict that can't be taken back.
     */
    readonly isConfirmed: (key: ServiceKey) => Effect.Effect<boolean, RuntimeError>
    /** For how many milliseconds the runtime was unreachable since this process started. Deadlines leave this time out. */
    readonly awayMillis: Effect.Effect<number>
    /** Fails at once if the runtime is unreachable, and says since when. */
    readonly reachable: Effect.Effect<void, RuntimeError>
    /** undefined: services that come back start no instances anyway. */
    readonly initialScale: InitialScale | undefined
    /** Services whose status may have changed. Level-triggered: a lost or repeated one does no harm. */
    readonly changes: Stream.Stream<ServiceKey>
    /** Other people's changes to our objects, as they are noticed. Applying the app's manifests again repairs each one. */
    readonly drift: Stream.Stream<Drift>
    /** Fields of others on the namespace's objects that aren't drift, as they are now: paths without values, a bounded number. */
    readonly leftAlone: (key: NamespaceKey) => Effect.Effect<ForeignFields, RuntimeError>
    /** Lifetimes of instances, current and future; level-triggered: one may be repeated with more details. */
    readonly instances: Stream.Stream<InstanceRecord>
    /** What happens to services' instances. The same one may be reported again, with the same id. */
    readonly happenings: Stream.Stream<Happening>
    /** Writes a line on the runtime's own object of a service, if it exists; undefined: nobody would look for it. */
    readonly announce: ((key: ServiceKey, notice: Notice) => Effect.Effect<void, RuntimeError>) | undefined
    /**
     * Runs a program in an instance of the service until the scope closes, with the service's environment. `refused`: there is no
     * instance, and none can be started.
     */
    readonly exec: (
      key: ServiceKey,
      request: ExecRequest
    ) => Effect.Effect<ExecProcess & { readonly instance: string }, RuntimeError, Scope.Scope>
    /**
     * Connects to a port of an instance until the scope closes. `refused`: there is no instance, and none can be started, or its port
     * can't be reached. The stream fails with the reason if the connection breaks.
     */
    readonly connect: (
      key: ServiceKey,
      request: PortRequest
    ) => Effect.Effect<{ readonly connection: Duplex; readonly instance: string }, RuntimeError, Scope.Scope>
    readonly revisions: (key: ServiceKey) => Effect.Effect<ReadonlyArray<RuntimeRevision>, RuntimeError>
    /** Does this cursor come from `logs`? */
    readonly isLogCursor: (text: string) => boolean
    readonly logs: (query: LogQuery) => Stream.Stream<LogEntry, RuntimeError>
    /** Stored bytes of an organization's log lines; null: not counted here. */
    readonly logBytes: (organizationId: OrganizationId) => Effect.Effect<number | null>
  }
>() {}
