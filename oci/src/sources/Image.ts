import type { Effect } from "effect"
import type { Content } from "../content/Content.ts"
import type { OciError } from "../OciError.ts"

/** A manifest or an index, as it's written. */
export interface Document {
  readonly mediaType: string
  readonly digest: string
  readonly bytes: Buffer
}

/** A configuration or a layer. */
export interface Blob {
  readonly digest: string
  readonly size: number
  /** Its bytes. A layer of an archive is only compressed if the registry needs it. */
  readonly content: Effect.Effect<Content, OciError>
}

/** A document with everything that it refers to. */
export interface Tree {
  readonly root: Document
  /** The builds of an index. */
  readonly builds: ReadonlyArray<Document>
  readonly blobs: ReadonlyArray<Blob>
}

export interface Image extends Tree {
  /** Such as `linux/amd64`. */
  readonly platforms: ReadonlyArray<string>
  /** The tag that the image has where it comes from. */
  readonly tag: string | undefined
  /** Bills of materials and other documents about the image, each with its tag (OCI distribution-spec 1.1, "Referrers Tag Schema"). */
  readonly referrers: ReadonlyArray<Tree & { readonly tag: string }>
}

/** Which of several images to take. */
export interface Choice {
  readonly tag: string | undefined
  /** `linux/amd64`: only this build of an index. */
  readonly platform: string | undefined
  /** Whether the image is wanted, before anything is done that takes time. */
  readonly accept: (platforms: ReadonlyArray<string>) => Effect.Effect<void, OciError>
}
