import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { parseImageName } from "@maxcloud/config-schema"
import { Effect, type Scope } from "effect"
import { folderFiles } from "../content/layoutFolder.ts"
import { readTar, seekable } from "../content/tarFile.ts"
import { temporaryFolder } from "../content/temporary.ts"
import { type OciError, ociError } from "../OciError.ts"
import { isDockerArchive, readDockerArchive } from "./dockerArchive.ts"
import { saveImage } from "./engines.ts"
import type { Choice, Image } from "./Image.ts"
import { isLayout, readLayout } from "./layout.ts"
import type { LayerMemory } from "./packLayer.ts"

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true

const looksLikePath = (written: string) =>
  /^\.{0,2}\//.test(written) || /\.(tar|tgz|tar\.gz|tar\.zst)$/.test(written) || written.startsWith("oci:")

/** `PATH[:TAG]`: a path may contain colons itself. */
const splitTag = (written: string): { readonly path: string; readonly tag: string | undefined } => {
  const [, path = written, tag] = /^(.*):([\w][\w.-]{0,127})$/.exec(written) ?? []
  return existsSync(written) || tag === undefined ? { path: written, tag: undefined } : { path, tag }
}

export interface OpenOptions extends Omit<Choice, "tag"> {
  readonly memory: LayerMemory
  readonly environment: Readonly<Record<string, string | undefined>>
}

const openArchive = (where: string, path: string, choice: Choice, folder: string, memory: LayerMemory) =>
  Effect.gen(function* () {
    const files = yield* readTar(yield* seekable(path, folder))
    // Docker's archives since version 25 are layouts too, but don't compress their layers there.
    if (isDockerArchive(files)) return yield* readDockerArchive(where, files, choice, folder, memory)
    const find = (name: string) => Effect.succeed(files.get(name))
    if (yield* isLayout(find)) return yield* readLayout(where, find, choice)
    return yield* ociError(
      "invalid",
      `${where} isn't an archive of an image`,
      "save the image with `podman save --output image.tar IMAGE` or `docker save`"
    )
  })

/**
 * Opens an image: a layout (`oci:PATH[:TAG]`, or a folder with `oci-layout`), an archive of `docker save` or of a layout, or
 * an image of podman's or docker's store.
 */
export const openImage = (
  written: string,
  { accept, environment, memory, platform }: OpenOptions
): Effect.Effect<Image, OciError, Scope.Scope> =>
  Effect.gen(function* () {
    const named = written.startsWith("oci:") ? splitTag(written.slice(4)) : { path: written, tag: undefined }
    const choice = { accept, platform, tag: named.tag }
    const { path } = named
    if (isFolder(path) && (existsSync(join(path, "oci-layout")) || looksLikePath(written))) {
      const find = folderFiles(path)
      if (yield* isLayout(find)) return yield* readLayout(path, find, choice)
      return yield* ociError(
        "invalid",
        `${path} isn't an OCI layout: it has no oci-layout`,
        "name a folder that a build wrote, or an image"
      )
    }
    if (isFile(path)) return yield* openArchive(path, path, choice, yield* temporaryFolder, memory)
    if (looksLikePath(written)) return yield* ociError("missing", `${path} doesn't exist`, "check the path")
    if (parseImageName(written) === undefined)
      return yield* ociError(
        "missing",
        `"${written.slice(0, 200)}" is neither a file nor a valid image reference`,
        'name an image ("app:1"), an archive ("image.tar") or a layout ("oci:FOLDER")'
      )
    const folder = yield* temporaryFolder
    const file = join(folder, "image.tar")
    yield* saveImage(written, file, environment)
    const image = yield* openArchive(written, file, { accept, platform, tag: undefined }, folder, memory)
    // The archive of an image with several tags names all of them.
    return { ...image, tag: parseImageName(written)?.tag }
  })
