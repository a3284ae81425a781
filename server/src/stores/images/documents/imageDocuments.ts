import { Schema } from "effect"
import { Healthcheck, Volumes } from "./imageSettings.ts"

const Digest = Schema.String.pipe(Schema.pattern(/^sha256:[a-f0-9]{64}$/))
const Platform = Schema.Struct({ os: Schema.String, architecture: Schema.String })

/** A list of an image's builds (OCI image index, Docker manifest list). */
const Index = Schema.Struct({
  schemaVersion: Schema.Literal(2),
  manifests: Schema.Array(
    Schema.Struct({ mediaType: Schema.optional(Schema.String), digest: Digest, platform: Schema.optional(Platform) })
  ),
  config: Schema.optional(Schema.Undefined),
  layers: Schema.optional(Schema.Undefined)
})

/** One build of an image (OCI image manifest, Docker schema 2). */
const Manifest = Schema.Struct({
  schemaVersion: Schema.Literal(2),
  config: Schema.Struct({ mediaType: Schema.String, digest: Digest, size: Schema.Number }),
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

export const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json"
]

export const configTypes = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json"
]

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

/**
 * Layers of a build as they're downloaded. `urls` are on hosts other than the registry ("foreign layers"), and aren't
 * followed.
 */
export const Layers = Schema.Array(
  Schema.Struct({
    mediaType: Schema.String,
    digest: Digest,
    size: Schema.Int.pipe(Schema.between(0, 8 * 1024 ** 3 - 1)),
    urls: Schema.optional(Schema.Array(Schema.String))
  })
).pipe(Schema.maxItems(200))

export const TagList = Schema.parseJson(Schema.Struct({ tags: Schema.NullOr(Schema.Array(Schema.String)) }))
