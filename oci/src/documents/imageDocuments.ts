import { Schema } from "effect"
import { Digest } from "./digest.ts"

/** Documents that registries must at least accept (OCI distribution-spec, "Pushing manifests"). */
export const documentBytes = 4 * 1024 * 1024

const gibibyte = 1024 ** 3
/** The limit for all layers together, as sent. */
export const imageBytes = 8 * gibibyte
/** The same unpacked: a few megabytes can unpack to terabytes. */
export const unpackedBytes = 64 * gibibyte
export const mostLayers = 200
const mostBuilds = 200

const MediaType = Schema.String.pipe(Schema.maxLength(255))
const Name = Schema.String.pipe(Schema.maxLength(128))
const Platform = Schema.Struct({ os: Name, architecture: Name })

const Annotations = Schema.Record({
  key: Schema.String.pipe(Schema.maxLength(1_000)),
  value: Schema.String.pipe(Schema.maxLength(100_000))
})

/** A list of an image's builds (OCI image index, Docker manifest list). */
const Index = Schema.Struct({
  schemaVersion: Schema.Literal(2),
  manifests: Schema.Array(
    Schema.Struct({
      mediaType: Schema.optional(MediaType),
      digest: Digest,
      size: Schema.optional(Schema.Int.pipe(Schema.nonNegative())),
      platform: Schema.optional(Platform),
      artifactType: Schema.optional(Schema.String),
      annotations: Schema.optional(Schema.NullOr(Annotations))
    })
  ).pipe(Schema.maxItems(mostBuilds)),
  config: Schema.optional(Schema.Undefined),
  layers: Schema.optional(Schema.Undefined)
})

/** One build of an image (OCI image manifest, Docker schema 2). */
const Manifest = Schema.Struct({
  schemaVersion: Schema.Literal(2),
  config: Schema.Struct({ mediaType: MediaType, digest: Digest, size: Schema.Int.pipe(Schema.nonNegative()) }),
  layers: Schema.Array(Schema.Unknown),
  manifests: Schema.optional(Schema.Undefined)
})

/**
 * The document at a digest. One that fits both kinds is rejected: clients would see different images in it
 * (CVE-2021-41190).
 */
export const ManifestDocument = Schema.parseJson(Schema.Union(Index, Manifest))
export type ManifestDocument = typeof ManifestDocument.Type
export type BuildDocument = typeof Manifest.Type
export type IndexDocument = typeof Index.Type

export const Healthcheck = Schema.Struct({ Test: Schema.optional(Schema.NullOr(Schema.Array(Schema.String))) })
export const Volumes = Schema.Record({ key: Schema.String, value: Schema.Unknown })

/** The relevant part of an image's configuration (OCI image configuration). */
export const ConfigDocument = Schema.parseJson(
  Schema.Struct({
    os: Schema.String,
    architecture: Schema.String,
    config: Schema.optional(
      Schema.NullOr(
        Schema.Struct({
          User: Schema.optional(Schema.NullOr(Schema.String)),
          ExposedPorts: Schema.optional(Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Unknown }))),
          Healthcheck: Schema.optional(Schema.NullOr(Healthcheck)),
          Volumes: Schema.optional(Schema.NullOr(Volumes))
        })
      )
    )
  })
)
export type ConfigDocument = typeof ConfigDocument.Type

/** The digests of a configuration's layers, unpacked. */
export const RootFs = Schema.parseJson(Schema.Struct({ rootfs: Schema.Struct({ diff_ids: Schema.Array(Digest) }) }))

/**
 * Layers of a build as they're sent. `urls` are on hosts other than the registry ("foreign layers"), and aren't
 * followed.
 */
export const Layers = Schema.Array(
  Schema.Struct({
    mediaType: MediaType,
    digest: Digest,
    size: Schema.Int.pipe(Schema.between(0, imageBytes - 1)),
    urls: Schema.optional(Schema.Array(Schema.String))
  })
).pipe(Schema.maxItems(mostLayers))
export type LayerDescriptor = (typeof Layers.Type)[number]

export const TagList = Schema.parseJson(Schema.Struct({ tags: Schema.NullOr(Schema.Array(Schema.String)) }))
