import { canonicalHost, parseImageName } from "@maxcloud/config-schema"
import { Effect, Option, Schema } from "effect"
import { type Content, readDocument } from "../content/Content.ts"
import type { Files } from "../content/tarFile.ts"
import { digestOf } from "../documents/digest.ts"
import { imageBytes, mostLayers, RootFs } from "../documents/imageDocuments.ts"
import { ociConfig, ociLayer, ociManifest } from "../documents/mediaTypes.ts"
import { type OciError, ociError } from "../OciError.ts"
import { platformOf, tooLarge, utf8Of } from "./documents.ts"
import type { Blob, Choice, Image } from "./Image.ts"
import { type LayerMemory, packLayer } from "./packLayer.ts"

const Path = Schema.String.pipe(Schema.maxLength(1_000))

/** `manifest.json` of `docker save` (Docker image specification 1.2). */
const Saved = Schema.parseJson(
  Schema.Array(
    Schema.Struct({
      Config: Path,
      RepoTags: Schema.optional(Schema.NullOr(Schema.Array(Path).pipe(Schema.maxItems(1_000)))),
      Layers: Schema.NullOr(Schema.Array(Path).pipe(Schema.maxItems(mostLayers)))
    })
  ).pipe(Schema.maxItems(1_000))
)
type SavedImage = (typeof Saved.Type)[number]

/** Is it an archive of `docker save`? */
export const isDockerArchive = (files: Files) => files.has("manifest.json")

const fileOf = (where: string, files: Files, name: string): Effect.Effect<Content, OciError> => {
  const found = files.get(name)
  return found === undefined
    ? ociError(
        "invalid",
        `${where} lacks ${JSON.stringify(name.slice(0, 200))}, which its image needs`,
        "save the image again"
      )
    : Effect.succeed(found)
}

const namesOf = ({ RepoTags }: SavedImage) => RepoTags ?? []
const tagOf = (name: string | undefined) => (name === undefined ? undefined : parseImageName(name)?.tag)

const isNamed = (image: SavedImage, wanted: string) =>
  namesOf(image).some((name) => name === wanted || tagOf(name) === wanted || canonicalHost(name) === wanted)

const choose = (where: string, images: ReadonlyArray<SavedImage>, tag: string | undefined) => {
  const wanted = tag === undefined ? images : images.filter((image) => isNamed(image, tag))
  const [only, ...others] = wanted
  if (only !== undefined && others.length === 0) return Effect.succeed(only)
  const names = images
    .flatMap(namesOf)
    .slice(0, 10)
    .map((name) => name.slice(0, 200))
  const has = names.length === 0 ? "" : `. It has ${names.join(", ")}`
  return tag === undefined
    ? ociError("invalid", `${where} contains ${images.length} images`, `save a single one: \`podman save IMAGE\`${has}`)
    : ociError("missing", `${where} has no image with the tag ${tag}`, `choose another tag${has}`)
}

/** An image of an archive of `docker save` or `podman save`. Compresses its layers in `folder`, those only that the registry needs. */
export const readDockerArchive = (
  where: string,
  files: Files,
  { accept, platform, tag }: Choice,
  folder: string,
  memory: LayerMemory
): Effect.Effect<Image, OciError> =>
  Effect.gen(function* () {
    const invalid = (what: string) => ociError("invalid", `${where}: ${what}`, "save the image again")
    const saved = yield* readDocument(yield* fileOf(where, files, "manifest.json"), `${where}: manifest.json`)
    const images = yield* Effect.mapError(Schema.decodeUnknown(Saved)(utf8Of(saved)), () =>
      invalid("its manifest.json isn't one of `docker save`")
    )
    const image = yield* choose(where, images, tag)
    const config = yield* readDocument(yield* fileOf(where, files, image.Config), `${where}: ${image.Config}`)
    const own = yield* platformOf(config, where)
    if (platform !== undefined && platform !== own)
      return yield* ociError("missing", `${where} is for ${own}, not for ${platform}`, `build it for ${platform}`)
    yield* accept([own])
    const rootfs = Schema.decodeUnknownOption(RootFs)(utf8Of(config))
    const diffIds = Option.isNone(rootfs) ? [] : rootfs.value.rootfs.diff_ids
    const names = image.Layers ?? []
    if (Option.isNone(rootfs) || diffIds.length !== names.length)
      return yield* invalid("its configuration and its manifest name different layers")
    const contents = yield* Effect.forEach(names, (name) => fileOf(where, files, name))
    if (contents.reduce((sum, { size }) => sum + size, 0) > 8 * imageBytes) return yield* tooLarge(where)
    const layers = yield* Effect.forEach(
      contents.flatMap((content, index) => {
        const diffId = diffIds[index]
        return diffId === undefined ? [] : [{ content, diffId }]
      }),
      ({ content, diffId }) => packLayer({ content, diffId, folder, memory, where }),
      { concurrency: 2 }
    )
    if (layers.reduce((sum, { size }) => sum + size, 0) > imageBytes) return yield* tooLarge(where)
    const configBlob: Blob = {
      digest: digestOf(config),
      size: config.length,
      content: yield* fileOf(where, files, image.Config).pipe(Effect.map(Effect.succeed))
    }
    const bytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: ociManifest,
        config: { mediaType: ociConfig, digest: configBlob.digest, size: configBlob.size },
        layers: layers.map(({ compression, digest, size }) => ({
          mediaType: `${ociLayer}+${compression}`,
          digest,
          size
        }))
      })
    )
    return {
      root: { mediaType: ociManifest, digest: digestOf(bytes), bytes },
      builds: [],
      blobs: [...new Map([configBlob, ...layers].map((blob) => [blob.digest, blob])).values()],
      platforms: [own],
      referrers: [],
      tag: tag === undefined ? tagOf(namesOf(image)[0]) : tagOf(tag)
    }
  })
