import type { OrganizationId } from "@maxcloud/sdk/api"
import type { Manifest } from "@maxcloud/synth"
import { Context, type Effect } from "effect"
import type { RuntimeError } from "../../port/Runtime.ts"

/** An object of the local runtime with everything needed to run it again: the local counterpart of a cluster's own store. */
export interface LocalObject {
  readonly organizationId: OrganizationId
  readonly namespace: string
  readonly kind: string
  readonly name: string
  /** Grows with each change of the manifest. */
  readonly generation: number
  readonly manifest: Manifest
  /** The runtime's record of it as JSON (for a service: revision numbers, and which revision is ready). */
  readonly status: unknown
}

/**
 * The local runtime's objects, stored in Postgres (table `runtime_objects`), so that a restart finds services, revisions and
 * their numbers.
 */
export class LocalObjects extends Context.Tag("@maxcloud/server/LocalObjects")<
  LocalObjects,
  {
    readonly all: Effect.Effect<ReadonlyArray<LocalObject>, RuntimeError>
    readonly put: (objects: ReadonlyArray<LocalObject>) => Effect.Effect<void, RuntimeError>
    readonly remove: (
      objects: ReadonlyArray<Pick<LocalObject, "organizationId" | "namespace" | "kind" | "name">>
    ) => Effect.Effect<void, RuntimeError>
  }
>() {}
