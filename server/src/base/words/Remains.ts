import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Data, type Effect, type Stream } from "effect"

/** What is kept of an organization outside the database cannot be reached for now. `message` says where. */
export class RemainsError extends Data.TaggedError("RemainsError")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/** One place where something of an organization is kept, besides the database. All is idempotent. */
export interface Store {
  /** Name in certificates: `runtime`, `logs`, `sources`. */
  readonly store: string
  /** What erasing does, for the certificate. */
  readonly action: string
  /** Files or objects that are there. */
  readonly count: (organizationId: OrganizationId) => Effect.Effect<number, RemainsError>
  /** Returns when they are gone. */
  readonly erase: (organizationId: OrganizationId) => Effect.Effect<void, RemainsError>
}

/** A line that a service has written, as it is exported. */
export interface KeptLine {
  readonly namespace: string
  readonly service: string
  readonly revision: string
  readonly instance: string
  readonly at: string
  readonly line: string
}

/** What the runtime keeps of an organization besides the database: in the order in which it is erased. */
export class Remains extends Context.Tag("@maxcloud/server/Remains")<
  Remains,
  {
    readonly stores: ReadonlyArray<Store>
    /** Lines that are kept of services that are gone, service by service, each in its order. */
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
