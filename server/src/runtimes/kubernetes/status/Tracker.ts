import type { Revision } from "@maxcloud/sdk/api"
import { Context, type Effect, type Option, type Stream } from "effect"
import type { ServiceKey, ServiceStatus } from "../../port/Runtime.ts"

/**
 * How the services of the cluster are, by Knative's rules and with the cause where one does not serve. It follows the shared watches;
 * beyond them it asks only about services that are not well: their last log lines, their ports, once each.
 */
export class Tracker extends Context.Tag("@maxcloud/server/Tracker")<
  Tracker,
  {
    /** As it is known now, at once; none: there is no such service. */
    readonly status: (key: ServiceKey) => Effect.Effect<Option.Option<ServiceStatus>>
    /** The newest first. */
    readonly revisions: (key: ServiceKey) => Effect.Effect<ReadonlyArray<Revision>>
    /**
     * Services of which something has changed: an object, what was asked, or the time that a rule waits for. A slow reader is told of
     * each once.
     */
    readonly changes: Stream.Stream<ServiceKey>
  }
>() {}
