import { decodeUtf8 } from "@maxcloud/config-schema/plain"
import { Effect, Schema } from "effect"
import { ConfigDocument, imageBytes, Layers, ManifestDocument } from "../documents/imageDocuments.ts"
import {
  configTypes,
  indexTypes,
  isForeignLayer,
  isSchema1,
  manifestTypes,
  ociIndex,
  ociManifest
} from "../documents/mediaTypes.ts"
import { type OciError, ociError } from "../OciError.ts"

const textOf = (bytes: Buffer) => {
  const decoded = decodeUtf8(bytes)
  return "text" in decoded ? decoded.text : ""
}

const MediaTyped = Schema.parseJson(
  Schema.Struct({ schemaVersion: Schema.optional(Schema.Unknown), mediaType: Schema.optional(Schema.String) })
)

const oldFormat = (where: string) =>
  ociError(
    "invalid",
    `${where} is in Docker's schema 1, which registries don't accept any more`,
    "convert it with a current tool: `skopeo copy --format oci SOURCE oci:FOLDER`"
  )

const unreadable = (where: string) =>
  ociError(
    "invalid",
    `${where} isn't a manifest or an index in a supported format (OCI, or Docker schema 2)`,
    "build or save the image again with a current tool"
  )

/** Reads a manifest or an index. `mediaType`: that of the descriptor, if there is one. */
export const parseManifest = (bytes: Buffer, where: string, mediaType?: string) =>
  Effect.gen(function* () {
    const text = textOf(bytes)
    const typed = yield* Effect.mapError(Schema.decodeUnknown(MediaTyped)(text), () => unreadable(where))
    const type = mediaType ?? typed.mediaType
    if (typed.schemaVersion === 1 || (type !== undefined && isSchema1(type))) return yield* oldFormat(where)
    if (type !== undefined && !manifestTypes.includes(type))
      return yield* ociError("invalid", `${where} isn't a container image (its type is ${type.slice(0, 100)})`)
    const document = yield* Effect.mapError(Schema.decodeUnknown(ManifestDocument)(text), () => unreadable(where))
    const isIndex = "manifests" in document && document.manifests !== undefined
    // Clients choose by the type, so a document of another kind would be another image for some of them.
    if (type !== undefined && indexTypes.includes(type) !== isIndex) return yield* unreadable(where)
    if (typed.mediaType !== undefined && mediaType !== undefined && typed.mediaType !== mediaType)
      return yield* unreadable(where)
    return { document, mediaType: type ?? (isIndex ? ociIndex : ociManifest) }
  })

/** Reads the layers of a manifest, within the bounds of an image. */
export const parseLayers = (layers: ReadonlyArray<unknown>, where: string) =>
  Effect.gen(function* () {
    const found = yield* Effect.mapError(Schema.decodeUnknown(Layers)(layers), () =>
      ociError(
        "invalid",
        `the layers of ${where} can't be read: an image has up to 200, each smaller than 8 GiB`,
        "build it with fewer or smaller layers"
      )
    )
    const foreign = found.find(({ mediaType, urls }) => isForeignLayer(mediaType) || (urls ?? []).length > 0)
    if (foreign !== undefined)
      return yield* ociError(
        "invalid",
        `${where} has a layer that may not be distributed (${foreign.mediaType.slice(0, 100)}), so a pushed image would be incomplete`,
        "build it from a base whose layers may be pushed"
      )
    if (found.reduce((sum, { size }) => sum + size, 0) > imageBytes) return yield* tooLarge(where)
    return found
  })

export const tooLarge = (where: string): OciError =>
  ociError("tooLarge", `${where} has more than 8 GiB`, "make it smaller: use a smaller base, and leave data out of it")

/** The platform of a build, from its configuration. */
export const platformOf = (bytes: Buffer, where: string): Effect.Effect<string, OciError> =>
  Effect.mapBoth(Schema.decodeUnknown(ConfigDocument)(textOf(bytes)), {
    onFailure: () => ociError("invalid", `the configuration of ${where} can't be read`, "build the image again"),
    onSuccess: ({ architecture, os }) => `${os}/${architecture}`
  })

export const isImageConfig = (mediaType: string) => configTypes.includes(mediaType)

export const utf8Of = textOf
