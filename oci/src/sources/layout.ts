import { Effect, Schema } from "effect"
import { type Content, readDocument } from "../content/Content.ts"
import type { FindFile } from "../content/layoutFolder.ts"
import { digestOf } from "../documents/digest.ts"
import type { BuildDocument, IndexDocument } from "../documents/imageDocuments.ts"
import { type OciError, ociError } from "../OciError.ts"
import { isImageConfig, parseLayers, parseManifest, platformOf, tooLarge, utf8Of } from "./documents.ts"
import type { Blob, Choice, Document, Image, Tree } from "./Image.ts"

const Layout = Schema.parseJson(Schema.Struct({ imageLayoutVersion: Schema.Literal("1.0.0") }))
/** OCI image-spec 1.1, "Image Layout". */
const refName = "org.opencontainers.image.ref.name"
const referrersTag = /^sha256-[a-f0-9]{64}$/
const imageTag = /^[\w][\w.-]{0,127}$/

type Entry = IndexDocument["manifests"][number]

const nameOf = ({ annotations }: Entry) => annotations?.[refName]
/** podman writes the whole reference, docker and buildah only the tag. */
const tagOf = (entry: Entry) => nameOf(entry)?.replace(/^.*[/:](?=[^/:]*$)/, "")

/** A layout, by the path that the user wrote. */
interface Store {
  readonly where: string
  readonly find: FindFile
}

const blobOf = ({ find, where }: Store, digest: string, size: number | undefined): Effect.Effect<Content, OciError> =>
  Effect.gen(function* () {
    const name = `blobs/${digest.replace(":", "/")}`
    const content = yield* find(name)
    if (content === undefined)
      return yield* ociError(
        "invalid",
        `${where} lacks ${name}, which its image needs`,
        "save the image again; if it has only some of an index's platforms, choose one with --platform"
      )
    if (size !== undefined && content.size !== size)
      return yield* ociError(
        "invalid",
        `${where}: ${name} has ${content.size} bytes instead of ${size}`,
        "save the image again"
      )
    return content
  })

/** A document that names others: read whole, and verified. */
const documentOf = (store: Store, { digest, mediaType, size }: Pick<Entry, "digest" | "mediaType" | "size">) =>
  Effect.gen(function* () {
    const where = `${store.where} (${digest.slice(0, 19)}…)`
    const bytes = yield* readDocument(yield* blobOf(store, digest, size), where)
    if (digestOf(bytes) !== digest)
      return yield* ociError("invalid", `${where} is damaged: its content has another digest`, "save the image again")
    const parsed = yield* parseManifest(bytes, where, mediaType)
    return {
      where,
      parsed: parsed.document,
      document: { mediaType: parsed.mediaType, digest, bytes } satisfies Document
    }
  })

/** The configuration and layers of one build, and its platform if it's an image. */
const buildOf = (store: Store, where: string, { config, layers }: BuildDocument) =>
  Effect.gen(function* () {
    const found = yield* parseLayers(layers, where)
    const blobs = yield* Effect.forEach([config, ...found], ({ digest, size }) =>
      Effect.map(blobOf(store, digest, size), (content): Blob => ({ digest, size, content: Effect.succeed(content) }))
    )
    if (!isImageConfig(config.mediaType)) return { blobs, platform: undefined }
    const bytes = yield* readDocument(yield* blobOf(store, config.digest, config.size), where)
    if (digestOf(bytes) !== config.digest)
      return yield* ociError(
        "invalid",
        `${where} is damaged: its configuration has another digest`,
        "save the image again"
      )
    return { blobs, platform: yield* platformOf(bytes, where) }
  })

const unique = (blobs: ReadonlyArray<Blob>) => [...new Map(blobs.map((blob) => [blob.digest, blob])).values()]

/** A document with everything below it, and the platforms of its images. */
const treeOf = (store: Store, entry: Pick<Entry, "digest" | "mediaType" | "size">, platform?: string) =>
  Effect.gen(function* () {
    const top = yield* documentOf(store, entry)
    if ("config" in top.parsed && top.parsed.config !== undefined) {
      const { blobs, platform: own } = yield* buildOf(store, top.where, top.parsed)
      const tree: Tree = { root: top.document, builds: [], blobs: unique(blobs) }
      return { tree, platforms: own === undefined ? [] : [own] }
    }
    const { manifests = [] } = top.parsed
    if (platform !== undefined) {
      const chosen = manifests.find(
        ({ platform: own }) => own !== undefined && `${own.os}/${own.architecture}` === platform
      )
      if (chosen === undefined) return yield* noPlatform(store, platform, manifests)
      return yield* treeOfBuild(store, chosen)
    }
    const builds = yield* Effect.forEach(manifests, (build) => treeOfBuild(store, build))
    const tree: Tree = {
      root: top.document,
      builds: builds.map((build) => build.tree.root),
      blobs: unique(builds.flatMap((build) => build.tree.blobs))
    }
    return { tree, platforms: builds.flatMap((build) => build.platforms) }
  })

const treeOfBuild = (store: Store, entry: Entry) =>
  Effect.gen(function* () {
    const { document, parsed, where } = yield* documentOf(store, entry)
    if (!("config" in parsed) || parsed.config === undefined)
      return yield* ociError(
        "invalid",
        `${where} is an index in an index, which clients don't pull`,
        "save a single image"
      )
    const { blobs, platform } = yield* buildOf(store, where, parsed)
    const tree: Tree = { root: document, builds: [], blobs: unique(blobs) }
    return { tree, platforms: platform === undefined ? [] : [platform] }
  })

const noPlatform = ({ where }: Store, platform: string, manifests: ReadonlyArray<Entry>) => {
  const known = manifests.flatMap(({ platform: own }) =>
    own === undefined || own.os === "unknown" ? [] : [`${own.os}/${own.architecture}`]
  )
  return ociError(
    "missing",
    `${where} has no build for ${platform}`,
    known.length === 0 ? `build it for ${platform}` : `choose one of ${known.join(", ")}, or build it for ${platform}`
  )
}

/** The image that the user means: the one with the tag, or the only one. */
const choose = ({ where }: Store, entries: ReadonlyArray<Entry>, tag: string | undefined) => {
  // An entry with an artifact type is about an image, such as its SBOM.
  const images = entries.filter((entry) => !referrersTag.test(nameOf(entry) ?? "") && entry.artifactType === undefined)
  const wanted = tag === undefined ? images : images.filter((entry) => nameOf(entry) === tag || tagOf(entry) === tag)
  const [only, ...others] = wanted
  if (only !== undefined && others.every(({ digest }) => digest === only.digest)) return Effect.succeed(only)
  const names = [...new Set(images.flatMap((entry) => nameOf(entry)?.slice(0, 200) ?? []))].slice(0, 10)
  const fix = names.length === 0 ? "save a single image" : `choose one with oci:PATH:TAG. It has ${names.join(", ")}`
  if (images.length === 0) return ociError("missing", `${where} contains no image`, "save an image into it")
  return tag === undefined
    ? ociError("invalid", `${where} contains ${images.length} images`, fix)
    : ociError(
        others.length > 0 ? "invalid" : "missing",
        `${where} has ${others.length > 0 ? "several images" : "no image"} with the tag ${tag}`,
        fix
      )
}

/** Is it an OCI layout? */
export const isLayout = (find: FindFile): Effect.Effect<boolean, OciError> =>
  Effect.map(find("oci-layout"), (found) => found !== undefined)

/** An image of an OCI layout: in a folder, or in an archive. */
export const readLayout = (
  where: string,
  find: FindFile,
  { accept, platform, tag }: Choice
): Effect.Effect<Image, OciError> =>
  Effect.gen(function* () {
    const store: Store = { where, find }
    const read = (name: string) =>
      Effect.flatMap(find(name), (content) =>
        content === undefined
          ? ociError("invalid", `${where} isn't an OCI layout: it has no ${name}`)
          : readDocument(content, `${where}/${name}`)
      )
    yield* Effect.mapError(
      Effect.flatMap(read("oci-layout"), (bytes) => Schema.decodeUnknown(Layout)(utf8Of(bytes))),
      (error) =>
        error._tag === "OciError" ? error : ociError("invalid", `${where} is a layout of another version than 1.0.0`)
    )
    const index = yield* parseManifest(yield* read("index.json"), `${where}/index.json`)
    const entries = ("manifests" in index.document ? index.document.manifests : undefined) ?? []
    const chosen = yield* choose(store, entries, tag)
    const { platforms, tree } = yield* treeOf(store, chosen, platform)
    if (platforms.length === 0)
      return yield* ociError("invalid", `${where} contains something other than a container image`, "name an image")
    if (platform !== undefined && !platforms.includes(platform)) return yield* noPlatform(store, platform, [])
    yield* accept(platforms)
    const about = new Set([tree.root, ...tree.builds].map(({ digest }) => digest.replace(":", "-")))
    const referrers = yield* Effect.forEach(
      entries.filter((entry) => about.has(nameOf(entry) ?? "")),
      (entry) => Effect.map(treeOf(store, entry), (found) => ({ ...found.tree, tag: nameOf(entry) ?? "" }))
    )
    if (tree.blobs.reduce((sum, { size }) => sum + size, 0) > 4 * 8 * 1024 ** 3) return yield* tooLarge(where)
    const own = tagOf(chosen)
    return { ...tree, platforms, referrers, tag: own !== undefined && imageTag.test(own) ? own : undefined }
  })
