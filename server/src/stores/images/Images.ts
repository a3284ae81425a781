import type { AppSpec, SpecIssue } from "@maxcloud/config-schema"
import type { ResolvedImage } from "@maxcloud/synth"
import { Context, Data, type Effect } from "effect"
import type { Organization } from "../../base/words/Organization.ts"

/** A registry didn't answer. A retry may work. */
export class ImagesError extends Data.TaggedError("ImagesError")<{
  readonly message: string
  /** How long the registry asked us to wait; 0: it doesn't say. */
  readonly retryAfterMs?: number
}> {}

export interface ResolvedImages {
  /** By the names in the spec. */
  readonly images: ReadonlyMap<string, ResolvedImage>
  /**
   * Reasons why the spec is impossible: no such tag, no permission, no build for the cluster's platform. Each has the
   * code and the fix.
   */
  readonly problems: ReadonlyArray<SpecIssue>
  /** Images that run something other than their registry's present one. */
  readonly warnings: ReadonlyArray<SpecIssue>
}

/** Asks registries about the images of a spec, with the organization's credentials. */
export class Images extends Context.Tag("@maxcloud/server/Images")<
  Images,
  {
    readonly resolve: (organization: Organization, spec: AppSpec) => Effect.Effect<ResolvedImages, ImagesError>
  }
>() {}
