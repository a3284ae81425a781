import type { AppName, AppSpec, OrganizationName, ServiceName, SpecIssue, StageName } from "@maxcloud/config-schema"
import type { Condition, LogEntry, OrganizationId, Revision, ServiceState, TrafficTarget } from "@maxcloud/sdk/api"
import type { Manifest, ObjectRef } from "@maxcloud/synth"
import { Context, Data, type Effect, type Option, type Stream } from "effect"

/** Where objects live: one namespace per organization and stage. */
export interface NamespaceKey {
  readonly organizationId: OrganizationId
  readonly organization: OrganizationName
  readonly stage: StageName
  /** Name of the namespace, as synth derives it. */
  readonly namespace: string
}

export interface ServiceKey extends NamespaceKey {
  readonly service: ServiceName
}

/** What a runtime knows of a service. Believe conditions only if `observedGeneration` equals `generation` (Knative, "Rule 0"). */
export interface ServiceStatus {
  readonly service: ServiceName
  /** Grows with each change of the applied Knative Service. */
  readonly generation: number
  readonly observedGeneration: number
  readonly state: ServiceState
  readonly conditions: ReadonlyArray<Condition>
  readonly latestCreatedRevision: string | null
  readonly latestReadyRevision: string | null
  readonly traffic: ReadonlyArray<TrafficTarget>
  readonly instances: number
  /** For callers outside; null for an internal service. */
  readonly url: string | null
  /** The last lines of the newest revision's instance, where it failed; else empty. */
  readonly logTail: ReadonlyArray<string>
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
  readonly cause?: unknown
}> {}

/**
 * Runs manifests. Both runtimes (local; Kubernetes with Knative) take the same manifests and speak in the same statuses.
 * Every method is idempotent. Manifests name secrets by name and version only; a runtime asks `Secrets` for the values.
 */
export class Runtime extends Context.Tag("@maxcloud/server/Runtime")<
  Runtime,
  {
    readonly name: "local" | "kubernetes"
    /** May sources run in place from a folder (`maxcloud dev`)? */
    readonly inPlace: boolean
    /** Fields that this runtime cannot honour, as warnings with their path in the spec. */
    readonly limitations: (spec: AppSpec) => ReadonlyArray<SpecIssue>
    /** What makes this spec impossible here and now, with the fix: no podman for an image, a feature that is missing. */
    readonly problems: (key: NamespaceKey, spec: AppSpec) => Effect.Effect<ReadonlyArray<SpecIssue>, RuntimeError>
    /** Creates or changes these objects. An unchanged Knative Service keeps its generation and makes no revision. */
    readonly apply: (
      key: NamespaceKey,
      app: AppName,
      manifests: ReadonlyArray<Manifest>
    ) => Effect.Effect<void, RuntimeError>
    /** Removes these objects; those that are gone already are no error. Returns when their instances have ended. */
    readonly remove: (key: NamespaceKey, refs: ReadonlyArray<ObjectRef>) => Effect.Effect<void, RuntimeError>
    readonly status: (key: ServiceKey) => Effect.Effect<Option.Option<ServiceStatus>, RuntimeError>
    /** Services whose status may have changed. Level-triggered: a lost or repeated one does no harm. */
    readonly changes: Stream.Stream<ServiceKey>
    readonly revisions: (key: ServiceKey) => Effect.Effect<ReadonlyArray<Revision>, RuntimeError>
    readonly logs: (query: LogQuery) => Stream.Stream<LogEntry, RuntimeError>
  }
>() {}
