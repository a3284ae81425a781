import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Data, type Effect, type Stream } from "effect"

/** A store outside of the database that contains an organization's data is unreachable. `message` says which. */
export class RemainsError extends Data.TaggedError("RemainsError")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/** One place outside the database that stores something of an organization. All methods are idempotent. */
export interface Store {
  /** Name in certificates: `runtime`, `logs`, `sources`. */
  readonly store: string
  /** The erasure step, for the certificate. */
  readonly action: string
  /** The number of existing files or objects. */
  readonly count: (organizationId: OrganizationId) => Effect.Effect<number, RemainsError>
  /** Returns when they're gone. */
  readonly erase: (organizationId: OrganizationId) => Effect.Effect<void, RemainsError>
}

/** A service's log line in an export. */
export interface KeptLine {
  readonly namespace: string
  readonly service: string
  readonly revision: string
  readonly instance: string
  readonly at: string
  readonly line: string
}

/** The runtime's data about an organization, outside of the database, in the order of its erasure. */
export class Remains extends Context.Tag("@maxcloud/server/Remains")<
  Remains,
  {
    readonly stores: ReadonlyArray<Store>
    /** Stored lines of deleted services, service by service, each in its order. */
    readonly linesOfGone: (
      organizationId: OrganizationId,
      isThere: (namespace: string, service: string) => boolean
    ) => Stream.Stream<KeptLine, RemainsError>
    /** Source snapshots, by digest. */
    readonly sources: (
      organizationId: OrganizationId
    ) => Effect.Effect<ReadonlyArray<{ readonly digest: string; readonly bytes: number }>, RemainsError>
  }
>() {}
