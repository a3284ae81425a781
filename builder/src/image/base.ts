import { createReadStream } from "node:fs"
import { readFile, stat } from "node:fs/promises"
import type { Readable } from "node:stream"
import { digestOf, documentBytes } from "@maxcloud/oci"
import { Option, Schema } from "effect"
import { invalid } from "../model.ts"
import { BaseConfig, type BaseLayer, BaseManifest, type Descriptor, IndexDocument, type Platform } from "./documents.ts"
import { blobFile, readLayoutIndex, refName } from "./layout.ts"

/** The image that an app's image is built on. */
export interface BaseImage {
  /** For messages. */
  readonly shown: string
  /** Its name in a registry. undefined for one in a folder, whose path is this machine's. */
  readonly name: string | undefined
  /** The digest of its manifest, or of the index that lists it. */
  readonly digest: string
  readonly config: BaseConfig
  readonly layers: ReadonlyArray<BaseLayer>
  /** The layer as it's stored. Its reader checks the digest. */
  readonly open: (layer: BaseLayer) => Promise<Readable>
}

/** A layout's image as skopeo and podman write it. */
export interface LayoutReference {
  readonly folder: string
  readonly tag: string | undefined
}

/** Parses `oci:FOLDER`, `oci:FOLDER:TAG` and `oci:FOLDER@DIGEST`. undefined for anything else. */
export const parseLayoutReference = (written: string): LayoutReference | undefined => {
  const [, folder, tag, digest] = /^oci:([^:@]+)(?::([\w][\w.-]{0,127})|@(sha256:[0-9a-f]{64}))?$/.exec(written) ?? []
  return folder === undefined ? undefined : { folder, tag: tag ?? digest }
}

const decodeIndex = Schema.decodeUnknownOption(IndexDocument)
const decodeManifest = Schema.decodeUnknownOption(BaseManifest)
const decodeConfig = Schema.decodeUnknownOption(BaseConfig)

const platformText = ({ architecture, os }: Platform) => `${os}/${architecture}`

/** The manifest, and its configuration, if they are a base that images can be built on. */
export const checkBase = (
  shown: string,
  manifestText: string,
  configText: string,
  platform: Platform
): Pick<BaseImage, "config" | "layers"> => {
  const manifest = Option.getOrUndefined(decodeManifest(manifestText))
  if (manifest === undefined)
    throw invalid(`${shown} isn't an image to build on: its manifest has another format, or layers that are elsewhere.`)
  const config = Option.getOrUndefined(decodeConfig(configText))
  if (config === undefined || config.rootfs.diff_ids.length !== manifest.layers.length)
    throw invalid(`${shown} isn't an image to build on: its configuration doesn't describe its layers.`)
  if (platformText(config) !== platformText(platform))
    throw invalid(
      `${shown} is for ${platformText(config)}, but the source was built for ${platformText(platform)}. Name a base image of that platform with --base.`
    )
  return { config, layers: manifest.layers }
}

const readBlob = async (folder: string, shown: string, { digest }: Pick<Descriptor, "digest">): Promise<string> => {
  const file = blobFile(folder, digest)
  const found = await stat(file).catch(() => undefined)
  if (found?.isFile() !== true || found.size > documentBytes)
    throw invalid(`${shown} lacks the document ${digest}. Copy the image again.`)
  const content = await readFile(file)
  if (digestOf(content) !== digest) throw invalid(`${shown} is damaged: ${digest} has other content. Copy it again.`)
  return content.toString("utf8")
}

const isImage = ({ artifactType, mediaType }: Descriptor) =>
  artifactType === undefined &&
  /^application\/vnd\.(oci\.image\.(manifest|index)\.v1|docker\.distribution\.manifest(\.list)?\.v2)\+json$/.test(
    mediaType
  )

const chosen = (shown: string, manifests: ReadonlyArray<Descriptor>, tag: string | undefined): Descriptor => {
  const images = manifests.filter(isImage)
  const tagOf = ({ annotations }: Descriptor) => annotations?.[refName]
  const named = tag === undefined ? images : images.filter((each) => tagOf(each) === tag || each.digest === tag)
  const [only, other] = named
  const tags = [...new Set(images.flatMap((each) => tagOf(each) ?? []))].slice(0, 8).join(", ")
  if (only === undefined)
    throw invalid(
      tag === undefined
        ? `${shown} has no image.`
        : `${shown} has no such tag. It has: ${tags || "images without tags"}.`
    )
  if (other === undefined || other.digest === only.digest) return only
  throw invalid(`${shown} has several images: ${tags}. Add the tag, as in oci:FOLDER:TAG.`)
}

/** Reads a base image from an OCI layout, by its tag or digest. Without them, the layout must have one image. */
export const baseInLayout = async (folder: string, tag: string | undefined, platform: Platform): Promise<BaseImage> => {
  const shown = `oci:${folder}${tag === undefined ? "" : `:${tag}`}`
  const index = await readLayoutIndex(folder)
  if (index === undefined) throw invalid(`${folder} isn't an OCI layout: it lacks an oci-layout or index.json file.`)
  const top = chosen(shown, index.manifests, tag)
  let text = await readBlob(folder, shown, top)
  const list = Option.getOrUndefined(decodeIndex(text))
  if (list !== undefined) {
    const build = list.manifests.find(
      (each) => each.platform !== undefined && platformText(each.platform) === platformText(platform)
    )
    if (build === undefined)
      throw invalid(`${shown} has no image for ${platformText(platform)}. Name another base image with --base.`)
    text = await readBlob(folder, shown, build)
  }
  const manifest = Option.getOrUndefined(decodeManifest(text))
  const configText = manifest === undefined ? "" : await readBlob(folder, shown, manifest.config)
  return {
    ...checkBase(shown, text, configText, platform),
    shown,
    name: undefined,
    digest: top.digest,
    open: async ({ digest }) => createReadStream(blobFile(folder, digest))
  }
}
