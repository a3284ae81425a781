import { Context, type Effect, type Option, type Stream } from "effect"
import type { RuntimeRevision } from "../../port/conditions.ts"
import type { ServiceKey, ServiceStatus } from "../../port/Runtime.ts"

/**
 * The status of the cluster's services by Knative's rules, with the cause if one doesn't serve. It follows the shared watches. In
 * addition it only asks unhealthy services for their last log lines and their ports, once each.
 */
export class Tracker extends Context.Tag("@maxcloud/server/Tracker")<
  Tracker,
  {
    /** The current status, at once; none if the service doesn't exist. */
    readonly status: (key: ServiceKey) => Effect.Effect<Option.Option<ServiceStatus>>
    /** Newest first. */
    readonly revisions: (key: ServiceKey) => Effect.Effect<ReadonlyArray<RuntimeRevision>>
    /**
     * Services that may have changed: by an object, an answer, or the time that a rule waits for. A slow reader gets each service
     * once.
     */
    readonly changes: Stream.Stream<ServiceKey>
  }
>() {}
