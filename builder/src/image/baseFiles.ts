import { createHash } from "node:crypto"
import { posix } from "node:path"
import { PassThrough, type Readable, Transform } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGunzip, createZstdDecompress } from "node:zlib"
import { unpackedBytes } from "@maxcloud/oci"
import { extract } from "tar-stream"
import { invalid } from "../model.ts"
import type { BaseImage } from "./base.ts"

const mostPrograms = 100_000
const mostLinks = 20

/** The programs of a base image. */
export interface BasePrograms {
  /** The absolute path of a program, found through the image's PATH. */
  readonly find: (name: string) => string | undefined
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

export const pathOf = ({ config }: Pick<BaseImage, "config">): string =>
  config.config?.Env?.find((text) => text.startsWith("PATH="))?.slice("PATH=".length) ?? defaultPath

const unpacking = (mediaType: string) =>
  /[+.]gzip$/.test(mediaType)
    ? createGunzip()
    : mediaType.endsWith("+zstd")
      ? createZstdDecompress()
      : new PassThrough()

/** Reads a layer's archive, and checks that it is the one that the configuration names. */
const readArchive = async (
  shown: string,
  stored: Readable,
  mediaType: string,
  diffId: string | undefined,
  room: { left: number },
  see: (path: string, link: string | undefined) => void
): Promise<void> => {
  const hash = createHash("sha256")
  const hashed = new Transform({
    transform: (chunk: Buffer, _, done) => {
      room.left -= chunk.length
      hash.update(chunk)
      done(room.left < 0 ? invalid(`${shown} unpacks to more than 64 GiB. Name another base image.`) : null, chunk)
    }
  })
  const archive = extract()
  archive.on("entry", (header, content, next) => {
    see(posix.join("/", header.name), header.type === "symlink" ? (header.linkname ?? "") : undefined)
    content.on("end", next)
    content.resume()
  })
  await pipeline(stored, unpacking(mediaType), hashed, archive)
  if (diffId !== `sha256:${hash.digest("hex")}`)
    throw invalid(`${shown} is damaged: a layer doesn't match its configuration. Name another base image.`)
}

/** Follows links, as the kernel does, as far as they were seen. */
const resolved = (links: ReadonlyMap<string, string>, path: string): string => {
  let parts = path.split("/").filter((part) => part !== "")
  let at = ""
  for (let left = mostLinks; parts.length > 0; ) {
    const [part = "", ...rest] = parts
    at = posix.join(at === "" ? "/" : at, part)
    parts = rest
    const target = links.get(at)
    if (target === undefined) continue
    if (left-- === 0) return path
    parts = [
      ...posix
        .resolve(posix.dirname(at), target)
        .split("/")
        .filter((each) => each !== ""),
      ...parts
    ]
    at = ""
  }
  return at
}

/** Reads the names of all programs in the layers, and verifies the layers on the way. */
export const programsIn = async (base: BaseImage, open: (at: number) => Promise<Readable>): Promise<BasePrograms> => {
  const folders = pathOf(base)
    .split(":")
    .filter((folder) => folder.startsWith("/"))
  // `/bin` is a link to `usr/bin` in most images.
  const watched = new Set([...folders, "/bin", "/sbin", "/usr/bin", "/usr/local/bin"])
  const files = new Set<string>()
  const links = new Map<string, string>()
  const room = { left: unpackedBytes }
  for (const [at, layer] of base.layers.entries()) {
    const see = (path: string, link: string | undefined) => {
      const [name, folder] = [posix.basename(path), posix.dirname(path)]
      if (name.startsWith(".wh.")) {
        files.delete(posix.join(folder, name.slice(4)))
        links.delete(posix.join(folder, name.slice(4)))
        return
      }
      const isWay = link !== undefined && [...watched].some((each) => each === path || each.startsWith(`${path}/`))
      if (!isWay && !watched.has(folder)) return
      if (files.size + links.size > mostPrograms) throw invalid(`${base.shown} has too many programs.`)
      files.add(path)
      if (link === undefined) links.delete(path)
      else links.set(path, link)
    }
    await readArchive(base.shown, await open(at), layer.mediaType, base.config.rootfs.diff_ids[at], room, see)
  }
  return {
    find: (name) => {
      for (const folder of folders) {
        const path = resolved(links, posix.join(folder, name))
        if (files.has(path) || files.has(posix.join(folder, name))) return posix.join(folder, name)
      }
      return undefined
    }
  }
}
