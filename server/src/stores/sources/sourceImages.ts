import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { basename, dirname, join, relative } from "node:path"
import { BuildFailed } from "@maxcloud/builder"
import { type ContainerEngine, makeEngineFinder } from "../../base/host/containerEngine.ts"
import { exists } from "../../base/host/exists.ts"
import { buildImage, type ImageRequest, refuseHostRights } from "./buildImage.ts"

/** The images of Dockerfiles, in the store of this machine's container engine. */
export interface SourceImages {
  /** Returns the id of the image. Rejects with `BuildFailed`. */
  readonly build: (request: ImageRequest) => Promise<string>
  /** Does the image still exist? Its owner may have removed it. */
  readonly has: (id: string) => Promise<boolean>
  /** Removes the images whose place no longer exists. */
  readonly clean: (inMaking: (place: string) => boolean) => Promise<void>
}

const instead =
  'Or build without the Dockerfile, with `build: "npm run build"` or `build: false` in the config, or set `image` to an image built elsewhere.'

/**
 * The folder with a record of each built image: a file named by its tag, containing the place that it belongs to,
 * relative to the data folder. It isn't `images`, because that contains the downloads of images, and is emptied at each
 * start.
 */
export const imageRecordsIn = (dataDirectory: string): string => join(dataDirectory, "source-images")

export const makeSourceImages = (
  dataDirectory: string,
  dataDirectoryId: string,
  environment: NodeJS.ProcessEnv
): SourceImages => {
  const detect = makeEngineFinder(environment)
  const records = imageRecordsIn(dataDirectory)
  const nameOf = (tag: string) => `localhost/maxcloud-${dataDirectoryId}:${tag}`

  const engineOf = async (): Promise<ContainerEngine> => {
    const detected = await detect()
    if ("engine" in detected) return detected.engine
    throw new BuildFailed({
      reason: "invalid",
      message: `Building a Dockerfile needs podman or docker. ${detected.missing} ${instead}`
    })
  }

  const build = async (request: ImageRequest): Promise<string> => {
    const { place } = request
    const engine = await engineOf()
    await refuseHostRights(request)
    const tag = `${basename(dirname(place))}-${basename(place)}`
    await mkdir(records, { recursive: true, mode: 0o700 })
    // Before the image exists, so that none is ever forgotten.
    await writeFile(join(records, tag), relative(dataDirectory, place), { mode: 0o600 })
    return buildImage(engine, request, nameOf(tag), environment)
  }

  const has = async (id: string): Promise<boolean> => {
    const detected = await detect()
    // The start itself reports a missing engine.
    if ("missing" in detected) return true
    return (await detected.engine.run(["image", "inspect", "--format", "{{.Id}}", "--", id])).code === 0
  }

  const clean = async (inMaking: (place: string) => boolean): Promise<void> => {
    for (const tag of await readdir(records).catch(() => [])) {
      const place = join(dataDirectory, await readFile(join(records, tag), "utf8"))
      if (inMaking(place) || (await exists(place))) continue
      const detected = await detect()
      if ("missing" in detected) return
      const { engine } = detected
      const isThere = (await engine.run(["image", "inspect", "--format", "{{.Id}}", "--", nameOf(tag)])).code === 0
      // An image that's in use is refused, and retried.
      if (!isThere || (await engine.run(["rmi", nameOf(tag)])).code === 0) await rm(join(records, tag), { force: true })
    }
  }

  return { build, has, clean }
}
