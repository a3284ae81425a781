import type { SourceDigest } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Data, type Effect, type Option, type Stream } from "effect"

/**
 * `invalid`: the archive is broken, unsafe, or has another digest; `tooLarge`; `overQuota`: it doesn't fit beside what the organization has;
 * `unavailable`: the disk. `message` is for the user.
 */
export class SourceError extends Data.TaggedError("SourceError")<{
  readonly reason: "invalid" | "tooLarge" | "overQuota" | "unavailable"
  readonly message: string
  readonly cause?: unknown
}> {}

/** Content-addressed source snapshots in the data folder, a folder per organization: no organization can name another's. */
export class SourceStore extends Context.Tag("@maxcloud/server/SourceStore")<
  SourceStore,
  {
    /** Size of the archive in bytes, where there is one. */
    readonly find: (
      organizationId: OrganizationId,
      digest: SourceDigest
    ) => Effect.Effect<Option.Option<number>, SourceError>
    /** Streams a gzipped tar to disk, checks its digest, and only then lets it be found. */
    readonly put: (
      organizationId: OrganizationId,
      digest: SourceDigest,
      archive: Stream.Stream<Uint8Array, unknown>,
      /** Bytes that the organization may keep in all. @default no limit */
      most?: number
    ) => Effect.Effect<void, SourceError>
    /**
     * The read-only folder of the unpacked snapshot with its production dependencies installed by the lockfile's own package
     * manager (cached by the lockfile's digest). Made once; at the same time asked twice, made once.
     */
    readonly folder: (organizationId: OrganizationId, digest: SourceDigest) => Effect.Effect<string, SourceError>
  }
>() {}
