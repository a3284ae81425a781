import { posix } from "node:path"
import type { Readable } from "node:stream"
import type { BuiltFolder } from "../model.ts"
import { nothingToRun } from "../model.ts"
import type { BaseImage } from "./base.ts"
import { type BasePrograms, pathOf, programsIn } from "./baseFiles.ts"
import { type Descriptor, jsonOf, mediaTypes } from "./documents.ts"
import { entrypointOf } from "./entrypoint.ts"
import { type StoredLayer, writeLayer } from "./layer.ts"
import { type LayoutWriter, refName } from "./layout.ts"
import { isDependency, isLeftOut } from "./leftOut.ts"
import { type ContainedPackage, ownPackage, packagesOf } from "./packages.ts"
import { type BuildRecord, provenanceOf, provenanceType } from "./provenance.ts"
import { pythonTree } from "./python.ts"
import { readTree, type TreeEntry } from "./tree.ts"

export interface ImageRequest {
  /** The absolute path of the built tree. */
  readonly root: string
  /** How to run it. Its folders are relative to `root`. */
  readonly built: Omit<BuiltFolder, "cacheKeys">
  /** The config's own start command. @default the built folder's */
  readonly command?: ReadonlyArray<string> | undefined
  readonly port: number
  readonly base: BaseImage
  readonly layout: LayoutWriter
  readonly tag: string
  readonly record: Omit<BuildRecord, "kind" | "platform">
  /** Python's compiled files, in a folder as `PYTHONPYCACHEPREFIX` makes it. @default none */
  readonly compiled?: string | undefined
  readonly progress: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

export interface WrittenLayer {
  readonly what: "base" | "dependencies" | "code"
  readonly digest: string
  /** Compressed. */
  readonly bytes: number
}

export interface WrittenImage {
  readonly tag: string
  /** Of the manifest, by which the image is pulled. */
  readonly digest: string
  /** Of the configuration. It doesn't depend on how the layers are compressed. */
  readonly imageId: string
  readonly kind: string
  readonly platform: string
  readonly base: { readonly name: string; readonly digest: string }
  readonly layers: ReadonlyArray<WrittenLayer>
  readonly bytes: number
  readonly entrypoint: ReadonlyArray<string>
  readonly user: string
  readonly port: number
  readonly sbom: { readonly digest: string; readonly packages: number }
  readonly provenance: { readonly digest: string }
}

/** The folder of the app in its image. */
export const home = "/app"
/** A fixed time: equal content has equal bytes. */
const created = "1970-01-01T00:00:00Z"
/** The number that distroless images use for a user without rights. */
const user = "65532:65532"

/** Copies the base's layers into the layout, and reads which programs they have. */
const copyBase = async ({ base, layout }: ImageRequest): Promise<BasePrograms> => {
  for (const layer of base.layers)
    if (!(await layout.has(layer))) await layout.putStream(layer.mediaType, await base.open(layer), layer)
  return programsIn(base, async (at): Promise<Readable> => {
    const layer = base.layers[at]
    if (layer === undefined) throw new Error(`The base image has no layer ${at}.`)
    return layout.open(layer)
  })
}

const isPython = (kind: string) => kind.startsWith("Python")

const treeOf = async ({ base, built, compiled, root }: ImageRequest, programs: BasePrograms) => {
  const place = { programs, shown: base.shown, compiled }
  const python = isPython(built.kind) ? await pythonTree(root, built.folder, place) : {}
  const leaveOut = (path: string) => isLeftOut(path) || python.leaveOut?.(path) === true
  return readTree(root, { ...python, leaveOut })
}

/** The variables of the image: the base's, then the app's. */
const environmentOf = ({ base, built, port }: ImageRequest, path: ReadonlyArray<string>): ReadonlyArray<string> => {
  const variables = new Map<string, string>()
  for (const text of base.config.config?.Env ?? []) {
    const [name = ""] = text.split("=")
    variables.set(name, text.slice(name.length + 1))
  }
  for (const [name, value] of Object.entries(built.environment)) variables.set(name, value)
  variables.set("PATH", [...path, pathOf(base)].join(":"))
  variables.set("PORT", String(port))
  return [...variables].map(([name, value]) => `${name}=${value}`)
}

/** What the image says about itself (OCI image-spec 1.1, "Annotations"). */
const annotationsOf = ({ base }: ImageRequest, own: ContainedPackage | undefined): Record<string, string> => {
  const prefix = "org.opencontainers.image"
  return {
    ...(own === undefined ? {} : { [`${prefix}.title`]: own.name, [`${prefix}.version`]: own.version }),
    ...(own?.license === undefined ? {} : { [`${prefix}.licenses`]: own.license }),
    [`${prefix}.base.digest`]: base.digest,
    ...(base.name === undefined ? {} : { [`${prefix}.base.name`]: base.name })
  }
}

interface OwnLayer extends StoredLayer {
  readonly what: "dependencies" | "code"
}

const writeLayers = async (
  request: ImageRequest,
  entries: ReadonlyArray<TreeEntry>
): Promise<ReadonlyArray<OwnLayer>> => {
  const { layout, progress, signal } = request
  const layers: Array<OwnLayer> = []
  for (const what of ["dependencies", "code"] as const) {
    const own = entries.filter(({ path }) => isDependency(path) === (what === "dependencies"))
    if (own.length === 0) continue
    progress(`Packing ${what}: ${own.filter(({ kind }) => kind !== "folder").length} files`)
    layers.push({ what, ...(await writeLayer(layout, home.slice(1), own, signal)) })
  }
  return layers
}

const configOf = (
  request: ImageRequest,
  layers: ReadonlyArray<OwnLayer>,
  entrypoint: ReadonlyArray<string>,
  path: ReadonlyArray<string>,
  labels: Readonly<Record<string, string>>
): Buffer => {
  const { base, built, port } = request
  const { architecture, config, history, os, rootfs, variant } = base.config
  const ofBase = history ?? []
  const isWhole = ofBase.filter((each) => each.empty_layer !== true).length === rootfs.diff_ids.length
  return jsonOf({
    created,
    architecture,
    os,
    variant,
    config: {
      User: user,
      ExposedPorts: { [`${port}/tcp`]: {} },
      Env: environmentOf(request, path),
      Entrypoint: entrypoint,
      WorkingDir: posix.join(home, built.folder),
      Labels: { ...config?.Labels, ...labels }
    },
    rootfs: { type: "layers", diff_ids: [...rootfs.diff_ids, ...layers.map(({ diffId }) => diffId)] },
    // A history that doesn't fit the layers would confuse tools.
    ...(isWhole
      ? {
          history: [...ofBase, ...layers.map(({ what }) => ({ created, created_by: `maxcloud build: ${what}` }))]
        }
      : {})
  })
}

const emptyContent = Buffer.from("{}")

/** A manifest that says something about the image (OCI image-spec 1.1, "Guidelines for Artifact Usage"). */
const putReferrer = async (
  layout: LayoutWriter,
  subject: Descriptor,
  artifactType: string,
  content: Buffer,
  annotations: Readonly<Record<string, string>>
): Promise<Descriptor> => {
  const config = await layout.putBytes(mediaTypes.empty, emptyContent)
  const layer = await layout.putBytes(artifactType, content)
  const { digest, mediaType, size } = subject
  const manifest = jsonOf({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType,
    config,
    layers: [layer],
    subject: { mediaType, digest, size },
    annotations
  })
  return { ...(await layout.putBytes(mediaTypes.manifest, manifest)), artifactType, annotations }
}

/** Builds an image of a built tree on a base image, with its bill of materials and its provenance, and puts all of it into a layout. */
export const writeImage = async (request: ImageRequest): Promise<WrittenImage> => {
  const { base, built, layout, port, progress, record, root, tag } = request
  progress(`Reading the base image ${base.shown}`)
  const programs = await copyBase(request)
  const entries = await treeOf(request, programs)
  const path = built.path.map((folder) => posix.join(home, folder))
  const start = request.command ?? built.start
  if (start === undefined)
    throw nothingToRun("Nothing says how the app starts. Set `command` in the config, or pass --command.")
  const files = new Set(entries.map((entry) => posix.join(home, entry.path)))
  const workingFolder = posix.join(home, built.folder)
  const place = { workingFolder, hasFile: (file: string) => files.has(file), path, programs, shown: base.shown }
  const entrypoint = entrypointOf(start, place)
  const layers = await writeLayers(request, entries)
  const own = await ownPackage(posix.join(root, built.folder))
  const annotations = annotationsOf(request, own)
  const config = await layout.putBytes(mediaTypes.config, configOf(request, layers, entrypoint, path, annotations))
  const manifest = await layout.putBytes(
    mediaTypes.manifest,
    jsonOf({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers: [...base.layers, ...layers.map(({ descriptor }) => descriptor)],
      annotations
    })
  )
  const platform = `${base.config.os}/${base.config.architecture}`
  const packages = await packagesOf(posix.join(root, built.folder), entries)
  const name = own?.name ?? "app"
  // A library that only this needs.
  const { imageSbom } = await import("./sbom.ts")
  progress(`Writing the bill of materials (${packages.length} packages) and the provenance`)
  const sbom = await putReferrer(
    layout,
    manifest,
    mediaTypes.cycloneDx,
    imageSbom({ name, ...manifest }, base, packages),
    {
      "org.opencontainers.image.title": "sbom.cdx.json"
    }
  )
  const statement = provenanceOf(name, manifest, base, { ...record, kind: built.kind, platform })
  const provenance = await putReferrer(layout, manifest, mediaTypes.inToto, statement, {
    "org.opencontainers.image.title": "provenance.intoto.json",
    "in-toto.io/predicate-type": provenanceType
  })
  const referrers = await layout.putBytes(
    mediaTypes.index,
    jsonOf({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [sbom, provenance] })
  )
  const { architecture, os, variant } = base.config
  await layout.publish([
    {
      ...manifest,
      platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
      annotations: { [refName]: tag }
    },
    sbom,
    provenance,
    // For registries without the API of referrers (OCI distribution-spec 1.1, "Referrers Tag Schema").
    { ...referrers, annotations: { [refName]: manifest.digest.replace(":", "-") } }
  ])
  const all = [
    ...base.layers.map(({ digest, size }) => ({ what: "base" as const, digest, bytes: size })),
    ...layers.map(({ descriptor, what }) => ({ what, digest: descriptor.digest, bytes: descriptor.size }))
  ]
  return {
    tag,
    digest: manifest.digest,
    imageId: config.digest,
    kind: built.kind,
    platform,
    base: { name: base.name ?? base.shown, digest: base.digest },
    layers: all,
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    entrypoint,
    user,
    port,
    sbom: { digest: sbom.digest, packages: packages.length },
    provenance: { digest: provenance.digest }
  }
}
