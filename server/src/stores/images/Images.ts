import type { AppSpec, SpecIssue } from "@maxcloud/config-schema"
import type { ResolvedImage } from "@maxcloud/synth"
import { Context, Data, type Effect } from "effect"
import type { Organization } from "../../base/words/Organization.ts"

/** A registry did not answer: the same may work later. */
export class ImagesError extends Data.TaggedError("ImagesError")<{
  readonly message: string
  /** The registry wants to be left alone for so long; 0: it doesn't say for how long. */
  readonly retryAfterMs?: number
}> {}

export interface ResolvedImages {
  /** By how the spec writes them. */
  readonly images: ReadonlyMap<string, ResolvedImage>
  /** Reasons why the spec is impossible: no such tag, no permission, no build for the cluster's platform. Each has the code and the fix. */
  readonly problems: ReadonlyArray<SpecIssue>
  /** Images that run by something else than what their registry says now. */
  readonly warnings: ReadonlyArray<SpecIssue>
}

/** Asks registries about the images of a spec, with the organization's credentials. */
export class Images extends Context.Tag("@maxcloud/server/Images")<
  Images,
  {
    readonly resolve: (organization: Organization, spec: AppSpec) => Effect.Effect<ResolvedImages, ImagesError>
  }
>() {}
