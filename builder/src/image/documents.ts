import { Digest, imageBytes } from "@maxcloud/oci"
import { Schema } from "effect"

export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+zstd",
  empty: "application/vnd.oci.empty.v1+json",
  cycloneDx: "application/vnd.cyclonedx+json",
  inToto: "application/vnd.in-toto+json"
} as const

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | undefined
}

/** Names a blob (OCI image-spec 1.1, "Content Descriptors"). */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly artifactType?: string | undefined
  readonly platform?: Platform | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

const Text = Schema.String.pipe(Schema.maxLength(4_096))
const LongText = Schema.String.pipe(Schema.maxLength(128 * 1024))
const Annotations = Schema.Record({ key: Text, value: LongText })
const Size = Schema.Int.pipe(Schema.nonNegative())

const PlatformSchema = Schema.Struct({ os: Text, architecture: Text, variant: Schema.optional(Text) })

const Listed = Schema.Struct({
  mediaType: Text,
  digest: Digest,
  size: Size,
  artifactType: Schema.optional(Text),
  platform: Schema.optional(PlatformSchema),
  annotations: Schema.optional(Annotations)
})

export const IndexDocument = Schema.parseJson(
  Schema.Struct({
    schemaVersion: Schema.Literal(2),
    mediaType: Schema.optional(Text),
    manifests: Schema.Array(Listed).pipe(Schema.maxItems(10_000)),
    config: Schema.optional(Schema.Undefined),
    layers: Schema.optional(Schema.Undefined)
  })
)

/** Foreign layers are elsewhere (`urls`), so a copy of the image would be incomplete. */
const BaseLayer = Schema.Struct({
  mediaType: Schema.String.pipe(
    Schema.pattern(
      /^application\/vnd\.(oci\.image\.layer\.v1\.tar([+](gzip|zstd))?|docker\.image\.rootfs\.diff\.tar(\.gzip)?)$/
    )
  ),
  digest: Digest,
  size: Schema.Int.pipe(Schema.between(0, imageBytes))
})
export type BaseLayer = typeof BaseLayer.Type

/** The manifest of a base image. */
export const BaseManifest = Schema.parseJson(
  Schema.Struct({
    schemaVersion: Schema.Literal(2),
    config: Schema.Struct({ mediaType: Text, digest: Digest, size: Size }),
    layers: Schema.Array(BaseLayer).pipe(Schema.maxItems(120)),
    manifests: Schema.optional(Schema.Undefined)
  })
)
export type BaseManifest = typeof BaseManifest.Type

const HistoryEntry = Schema.Struct({
  created: Schema.optional(Text),
  created_by: Schema.optional(LongText),
  author: Schema.optional(LongText),
  comment: Schema.optional(LongText),
  empty_layer: Schema.optional(Schema.Boolean)
})

/** The configuration of a base image: the parts that an image on top of it keeps. */
export const BaseConfig = Schema.parseJson(
  Schema.Struct({
    os: Text,
    architecture: Text,
    variant: Schema.optional(Text),
    config: Schema.optional(
      Schema.NullOr(
        Schema.Struct({
          Env: Schema.optional(Schema.NullOr(Schema.Array(LongText).pipe(Schema.maxItems(1_000)))),
          Labels: Schema.optional(Schema.NullOr(Annotations))
        })
      )
    ),
    rootfs: Schema.Struct({ diff_ids: Schema.Array(Digest).pipe(Schema.maxItems(120)) }),
    history: Schema.optional(Schema.NullOr(Schema.Array(HistoryEntry).pipe(Schema.maxItems(1_000))))
  })
)
export type BaseConfig = typeof BaseConfig.Type

/** JSON with its keys in the order in which they were written, and without those that are undefined. */
export const jsonOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
