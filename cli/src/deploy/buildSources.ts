import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import type { ServiceName } from "@maxcloud/config-schema"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Clock, Effect } from "effect"
import type { BuildSettings } from "../build/buildFlags.ts"
import { rememberImage } from "../build/buildMemory.ts"
import { ownCache, runBuild } from "../build/runBuild.ts"
import type { Cloud } from "../client.ts"
import type { Terminal } from "../output/terminal.ts"
import { isPushed, layersLine, pushToRegistry } from "../push/pushToRegistry.ts"
import { type SourceImage, type SourceImages, sourceImages, withImages } from "./sourceImages.ts"
import { tellSources } from "./sources.ts"

/** Installers use the network and the disk more than the processor, so two of them are faster than one. */
const buildsAtOnce = 2

/** A digest that nothing has, to learn before a build whether the registry answers. */
const nothing = `sha256:${"0".repeat(64)}`

/** A folder for the images of one deploy. The next build removes it if this process is killed. */
const temporaryFolder = Effect.acquireRelease(
  Effect.promise(async () => {
    await mkdir(ownCache(), { recursive: true, mode: 0o755 })
    return await mkdtemp(join(ownCache(), `run-${process.pid}-`))
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

const namesOf = ({ services }: SourceImage) => services.join(", ")

/** Which images the registry has already. Finds out early that it is unreachable. */
const missingOf = (cloud: Cloud, { host, images, repository }: SourceImages) =>
  Effect.gen(function* () {
    const found = new Map<ServiceName, string>()
    const missing: Array<SourceImage> = []
    const known = images.filter((image) => image.known !== undefined)
    if (known.length === 0) yield* isPushed({ cloud, host, repository, digest: nothing })
    for (const image of images) {
      const { known: digest, services } = image
      if (digest !== undefined && (yield* isPushed({ cloud, host, repository, digest })))
        for (const service of services) found.set(service, digest)
      else missing.push(image)
    }
    return { found, missing }
  })

/** Each image has a layout of its own, because one layout can't take two builds at once. */
const buildAll = (missing: ReadonlyArray<SourceImage>, folder: string, terminal: Terminal) =>
  Effect.forEach(
    missing,
    (image) => {
      const { base, services, source } = image
      const [tag] = services
      const start = missing.length === 1 ? "" : `${tag}: `
      const onLine = (line: string) =>
        terminal.say(terminal.json ? `${start}${line}` : terminal.paintError("dim", `${start}${line}`))
      if (!terminal.json) terminal.say(`building the image of ${namesOf(image)}`)
      const layout = join(folder, tag)
      return Effect.map(runBuild({ source, base, output: { folder: layout, tag }, onLine }), (built) => ({
        ...image,
        digest: built.image.digest,
        layout,
        tag
      }))
    },
    { concurrency: buildsAtOnce }
  )

/** Builds the images of an app's sources that the registry lacks, pushes them, and returns the app with their digests. */
export const buildSources = (cloud: Cloud, loaded: LoadedConfig, settings: BuildSettings, terminal: Terminal) =>
  Effect.gen(function* () {
    // The deploy reports the problem.
    if (loaded.policies.problems.length > 0) return loaded
    const wanted = yield* sourceImages(cloud, loaded, settings)
    if (wanted === undefined) return loaded
    const { host, repository } = wanted
    tellSources(terminal)(wanted.sources)
    const { found, missing } = yield* missingOf(cloud, wanted)
    if (missing.length > 0) {
      const folder = yield* temporaryFolder
      // All of them first: the bars of a push and the lines of a build would overwrite each other.
      for (const built of yield* buildAll(missing, folder, terminal)) {
        const { digest, key, layout, services, tag } = built
        if (!terminal.json) terminal.say(`pushing the image of ${namesOf(built)} to ${host}/${repository}`)
        const pushed = yield* pushToRegistry({
          cloud,
          host,
          platform: undefined,
          // Compared before the build.
          platforms: [],
          repository,
          // A tag of its own, so that the registry keeps what an earlier deployment runs.
          tag: `${tag}-${digest.slice(7, 19)}`,
          terminal,
          written: `oci:${layout}:${tag}`
        })
        if (terminal.json) terminal.printJson({ _tag: "pushed", services, ...pushed }, "line")
        else terminal.say(layersLine(pushed.layers))
        if (key !== undefined) yield* rememberImage(ownCache(), key, digest, yield* Clock.currentTimeMillis)
        for (const service of services) found.set(service, digest)
      }
    }
    return yield* withImages(loaded, wanted, found)
  }).pipe(Effect.scoped)
