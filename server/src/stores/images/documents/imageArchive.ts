import { createHash, type Hash } from "node:crypto"
import { once } from "node:events"
import { createWriteStream } from "node:fs"
import { pipeline } from "node:stream/promises"
import { createGunzip, createZstdDecompress } from "node:zlib"
import { imageBytes, Layers, RootFs, unpackedBytes } from "@maxcloud/oci"
import { Effect, Schema } from "effect"
import { type Pack, pack } from "tar-stream"
import { errorText } from "../../../base/host/systemFault.ts"
import { writeImageName } from "../../../base/words/imageName.ts"
import { ImageProblem, imageProblem } from "../ImageProblem.ts"
import { ImagesError } from "../Images.ts"
import { type Ask, type RegistrySession, refusal } from "../registry/RegistrySession.ts"
import type { ImageBuild } from "./imageBuilds.ts"

/** How many bytes the remaining layers may have unpacked: a few megabytes can unpack to terabytes. */
interface Room {
  left: number
}

const digestOf = (hash: Hash) => `sha256:${hash.digest("hex")}`

/** Unpacks everything written to it, to compute its digest. */
const unpacking = (mediaType: string, room: Room) => {
  const hash = createHash("sha256")
  const stream = /[+.]gzip$/.test(mediaType)
    ? createGunzip()
    : /[+.]zstd$/.test(mediaType)
      ? createZstdDecompress()
      : undefined
  const update = (chunk: Buffer) => {
    room.left -= chunk.length
    if (room.left < 0)
      throw imageProblem("ImageInvalid", "The image is too large: its layers have more than 64 GiB unpacked.")
    hash.update(chunk)
  }
  if (stream === undefined) return { write: async (chunk: Buffer) => update(chunk), end: async () => digestOf(hash) }
  const ended = pipeline(stream, async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) update(chunk)
  })
  // The result is awaited at the end.
  ended.catch(() => undefined)
  return {
    write: async (chunk: Buffer) => {
      if (!stream.write(chunk)) await Promise.race([once(stream, "drain"), ended])
    },
    end: async () => {
      stream.end()
      await ended
      return digestOf(hash)
    }
  }
}

const closeEntry = (archive: Pack, name: string, content: string) =>
  new Promise<void>((resolve, reject) => {
    archive.entry({ name, mode: 0o600 }, content, (error) => (error ? reject(error) : resolve()))
  })

interface Layer {
  readonly digest: string
  readonly mediaType: string
  readonly size: number
}

const invalidImage = ({ image }: RegistrySession, what: string) =>
  imageProblem("ImageInvalid", `${writeImageName(image)}: ${what}`)

/** The layers of a build, each with its unpacked digest from the configuration. */
const layersOf = (session: RegistrySession, { config, manifest }: ImageBuild) =>
  Effect.gen(function* () {
    const invalid = (what: string) => invalidImage(session, what)
    const layers = yield* Effect.mapError(Schema.decodeUnknown(Layers)(manifest.layers), () =>
      invalid(
        "its layers can't be read. An image can have up to 200 layers, each smaller than 8 GiB. Build it with fewer or smaller ones."
      )
    )
    const { rootfs } = yield* Effect.mapError(Schema.decodeUnknown(RootFs)(config), () =>
      invalid("its configuration names no layers. Build and push it again.")
    )
    if (rootfs.diff_ids.length !== layers.length)
      return yield* invalid("its configuration and its manifest name different layers. Build and push it again.")
    if (layers.some((layer) => layer.urls !== undefined))
      return yield* invalid(
        "it has layers on hosts other than its registry, which aren't downloaded. Push it with all its layers."
      )
    if (layers.reduce((sum, { size }) => sum + size, 0) > imageBytes)
      return yield* invalid("it has more than 8 GiB. Make it smaller.")
    return layers.map((layer, index) => ({ layer, diffId: rootfs.diff_ids[index] }))
  })

/** Downloads a layer into the archive, and returns its unpacked digest. */
const addLayer = (
  ask: Ask,
  session: RegistrySession,
  archive: Pack,
  layer: Layer,
  room: Room,
  onBytes: (count: number) => void
) =>
  Effect.gen(function* () {
    const invalid = (what: string) => invalidImage(session, what)
    const hash = createHash("sha256")
    const unpacked = unpacking(layer.mediaType, room)
    const entry = archive.entry({ name: `${layer.digest.slice(7)}.tar`, size: layer.size, mode: 0o600 })
    let bytes = 0
    const answer = yield* ask(session, {
      method: "GET",
      path: `blobs/${layer.digest}`,
      accept: "*/*",
      maxBytes: layer.size,
      into: async (chunk) => {
        bytes += chunk.length
        onBytes(chunk.length)
        hash.update(chunk)
        await unpacked.write(chunk)
        if (!entry.write(chunk)) await once(entry, "drain")
      }
    })
    if (answer.status !== 200 && answer.status !== 404) return yield* refusal(session, answer)
    if (answer.status === 404)
      return yield* invalid(`its registry doesn't have the layer ${layer.digest}. Push it again.`)
    if (bytes !== layer.size || digestOf(hash) !== layer.digest) {
      return yield* invalid(`its registry sent something else for the layer ${layer.digest}. Push it again.`)
    }
    const found = yield* Effect.tryPromise({
      try: () => unpacked.end(),
      catch: (cause) =>
        cause instanceof ImageProblem
          ? cause
          : invalid(`couldn't unpack the layer ${layer.digest}. Build and push it again.`)
    })
    yield* Effect.promise(async () => {
      const ended = once(entry, "finish")
      entry.end(undefined)
      await ended
    })
    return found
  })

const disk = (cause: unknown) =>
  new ImagesError({
    message: `Couldn't write the image. ${errorText(cause, "the server's data folder")}`
  })

/**
 * Downloads a build into `file`, as an archive that podman and docker load (`docker save`'s format), with this
 * organization's credentials and through the checked connections. Every layer must match the manifest, and unpacked the
 * configuration, so that nobody can put other layers into the engine's store under an image's id.
 */
export const downloadImage = (
  ask: Ask,
  session: RegistrySession,
  build: ImageBuild,
  file: string,
  onBytes: (bytes: number, totalBytes: number) => void = () => {},
  mostUnpacked = unpackedBytes
): Effect.Effect<void, ImageProblem | ImagesError> =>
  Effect.gen(function* () {
    const layers = yield* layersOf(session, build)
    const totalBytes = [...new Map(layers.map(({ layer }) => [layer.digest, layer.size])).values()].reduce(
      (sum, size) => sum + size,
      0
    )
    let bytes = 0
    const count = (more: number) => {
      bytes += more
      onBytes(bytes, totalBytes)
    }
    count(0)
    const archive = pack()
    const target = createWriteStream(file, { flags: "wx", mode: 0o600 })
    const written = pipeline(archive, target)
    written.catch(() => undefined)

    const configName = `${build.imageId.slice(7)}.json`
    yield* Effect.gen(function* () {
      yield* Effect.tryPromise({ try: () => closeEntry(archive, configName, build.config), catch: disk })
      const room: Room = { left: mostUnpacked }
      const unpacked = new Map<string, string>()
      for (const { diffId, layer } of layers) {
        const found = unpacked.get(layer.digest) ?? (yield* addLayer(ask, session, archive, layer, room, count))
        unpacked.set(layer.digest, found)
        // A repeated layer is downloaded once, and compared each time.
        if (found !== diffId)
          return yield* invalidImage(
            session,
            `the layer ${layer.digest} doesn't match its configuration. Build and push it again.`
          )
      }
      const names = layers.map((layer) => `${layer.layer.digest.slice(7)}.tar`)
      const list = [{ Config: configName, RepoTags: null, Layers: names }]
      yield* Effect.tryPromise({
        try: async () => {
          await closeEntry(archive, "manifest.json", JSON.stringify(list))
          archive.finalize()
          await written
        },
        catch: disk
      })
    }).pipe(
      // A full disk ends the writing, and nobody would ever read the rest.
      Effect.raceFirst(Effect.zipRight(Effect.tryPromise({ try: () => written, catch: disk }), Effect.void)),
      Effect.ensuring(
        Effect.sync(() => {
          archive.destroy()
          target.destroy()
        })
      )
    )
  }).pipe(Effect.withSpan("Registry.download"))
