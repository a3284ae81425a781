import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
import type { ImageProblem } from "./ImageProblem.ts"
import type { ImagesError } from "./Images.ts"
import type { Pulls } from "./pulls/pulls.ts"

/** An image that an organization may run on this machine. */
export interface AllowedImage {
  /** The engine's id for it: `sha256:…` */
  readonly imageId: string
  /** The registry was unreachable, so the image runs by an earlier permission. */
  readonly note?: string
}

/** Loads an archive into the engine's store, and returns the image's id there. */
export type LoadImage = (archive: string, imageId: string, signal: AbortSignal) => Promise<string>

export interface ImageQuestion {
  readonly organizationId: OrganizationId
  /** As the config writes it. */
  readonly image: string
  /** The id that the revision has run before. It runs this one or none: its tag may mean another image by now. */
  readonly imageId: string | undefined
  /** `linux/amd64` */
  readonly platform: string
  readonly isInStore: (imageId: string) => Promise<boolean>
  readonly load: LoadImage
  readonly onPull: () => void
  /** Receives the progress of the pull, about every two seconds. */
  readonly onProgress: (line: string) => void
}

/**
 * Decides which images of the container engine's store an organization may run. The store is shared, so an image in it
 * isn't available to everybody. An organization may run the images that a registry has given to its own credentials.
 */
export class ImageAccess extends Context.Tag("@maxcloud/server/ImageAccess")<
  ImageAccess,
  {
    /** The image by digest, as its registry shows it to the organization now: `registry.example.com/app@sha256:…`. */
    readonly resolve: (
      organizationId: OrganizationId,
      image: string
    ) => Effect.Effect<string, ImageProblem | ImagesError>
    readonly allow: (question: ImageQuestion) => Effect.Effect<AllowedImage, ImageProblem | ImagesError>
    /** For an engine that pulls by itself: queued with all other pulls. */
    readonly pulls: Pulls
    /** The organization's credentials for the image's registry as a file of `podman login`; without any, an empty one. */
    readonly authFile: (organizationId: OrganizationId, image: string) => Effect.Effect<string, ImagesError>
  }
>() {}
