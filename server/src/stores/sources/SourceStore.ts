import type { BuiltFolder, BuiltImage } from "@maxcloud/builder"
import type { Build, SourceDigest } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Data, type Effect, type Option, type Stream } from "effect"
import type { Depth } from "./treeFiles.ts"

/**
 * `invalid`: the archive is broken, unsafe, or has another digest; `build`: it can't be built, or nothing says how to
 * run it; `tooLarge`; `overQuota`: it doesn't fit beside the organization's others; `diskFull`: the server's disk has no
 * room; `unavailable`: other faults of the disk. `message` is for the user.
 */
export class SourceError extends Data.TaggedError("SourceError")<{
  readonly reason: "invalid" | "build" | "tooLarge" | "overQuota" | "diskFull" | "unavailable"
  readonly message: string
  readonly cause?: unknown
}> {}

/** A snapshot, and how to build it. */
export interface SourceToBuild {
  readonly digest: SourceDigest
  /** The service's folder inside it. @default the snapshot itself */
  readonly package?: string | undefined
  /** @default the project's own `build` script */
  readonly build?: Build | undefined
  /** Does the config say what to run? @default no */
  readonly hasCommand?: boolean | undefined
  /** @default "quick" */
  readonly care?: Care | undefined
}

/**
 * How closely to check a build before using it: by names, sizes and times, or by the content of each file. `fresh`:
 * don't use it at all, nor its installed dependencies, because nothing that ran from it has ever become ready.
 */
export type Care = Depth | "fresh"

/** The result of a build: a read-only folder that runs, or an image of this machine's container engine. */
export type BuiltSource = PlacedFolder | BuiltImage

/** A built folder on this machine: `folder`, its working directory, and the folders of `path` are absolute. */
export type PlacedFolder = Omit<BuiltFolder, "cacheKeys">

/**
 * Content-addressed source snapshots in the data folder, a folder per organization: no organization can name another's.
 */
export class SourceStore extends Context.Tag("@maxcloud/server/SourceStore")<
  SourceStore,
  {
    /**
     * Size of the archive in bytes, if it exists and is intact. A damaged one is set aside, so that it's uploaded again.
     */
    readonly find: (
      organizationId: OrganizationId,
      digest: SourceDigest
    ) => Effect.Effect<Option.Option<number>, SourceError>
    /** Streams a gzipped tar to disk, checks its digest, and only then makes it available. */
    readonly put: (
      organizationId: OrganizationId,
      digest: SourceDigest,
      archive: Stream.Stream<Uint8Array, unknown>,
      /** The total bytes that the organization may keep. @default no limit */
      most?: number
    ) => Effect.Effect<void, SourceError>
    /**
     * Builds the snapshot: installs its dependencies with the lockfile's own package manager (cached by the lockfile's
     * digest), runs its build script, and drops build-only files. Built once, even for concurrent callers. A damaged
     * build is set aside and built again. `progress` receives events, a line at a time.
     */
    readonly built: (
      organizationId: OrganizationId,
      source: SourceToBuild,
      progress?: (line: string) => void
    ) => Effect.Effect<BuiltSource, SourceError>
    /** Reads everything that was built of a snapshot. False if it's damaged or gone. */
    readonly isWhole: (organizationId: OrganizationId, source: SourceToBuild) => Effect.Effect<boolean, SourceError>
  }
>() {}
