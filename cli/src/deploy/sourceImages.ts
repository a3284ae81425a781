import type { ServiceName } from "@maxcloud/config-schema"
import type { LoadedConfig, SourceReport } from "@maxcloud/sdk/effect"
import { Clock, Effect } from "effect"
import type { BuildSettings } from "../build/buildFlags.ts"
import { keyOf, rememberedImage } from "../build/buildMemory.ts"
import { ownCache } from "../build/runBuild.ts"
import { type ServiceSource, serviceSource } from "../build/serviceSource.ts"
import { type Cloud, loadSchemas, loadTools } from "../client.ts"
import { CommandFailed } from "../errors/failure.ts"
import { howToHaveRegistry } from "../registry/noRegistry.ts"
import { placeIn } from "../registry/placeIn.ts"

/** Services that get the same image from the same source. */
export interface SourceImage {
  readonly services: readonly [ServiceName, ...ReadonlyArray<ServiceName>]
  readonly source: ServiceSource
  /** undefined: the builder's own choice. */
  readonly base: string | undefined
  /** What it's remembered by. */
  readonly key: string | undefined
  /** The digest of the image that this machine has built of it before. */
  readonly known: string | undefined
}

/** The images that this machine builds for an app, and where they go. */
export interface SourceImages {
  readonly host: string
  readonly repository: string
  readonly images: ReadonlyArray<SourceImage>
  readonly sources: ReadonlyArray<SourceReport>
}

const noRegistry = (runtime: string) =>
  new CommandFailed({
    tag: "NoRegistry",
    exit: 5,
    message:
      runtime === "kubernetes"
        ? "this server runs images only, and has no registry for those of your sources"
        : "this server has no registry for images that are built here",
    fix:
      runtime === "kubernetes"
        ? `${howToHaveRegistry}; or push an image to another registry, and name it with \`image:\``
        : "leave --build out: the server builds your sources itself"
  })

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" }

/** Refuses a build that the cluster's nodes couldn't run, before it begins. */
const refusePlatform = (platforms: ReadonlyArray<string>) => {
  const own = `${process.platform}/${architectures[process.arch] ?? process.arch}`
  const missing = platforms.filter((platform) => platform !== own)
  return missing.length === 0
    ? Effect.void
    : new CommandFailed({
        tag: "WrongPlatform",
        exit: 2,
        message: `this machine builds images for ${own}, but the cluster has nodes of ${missing.join(", ")}`,
        fix: `deploy from a machine with ${missing.join(", ")}, such as a CI runner, or build an image for all of them and name it with \`image:\``
      })
}

const sourcesOf = ({ folder, spec }: LoadedConfig) =>
  spec.services.flatMap((service) => {
    const source = serviceSource(service, folder)
    return source === undefined ? [] : [{ name: service.name, source }]
  })

const reportOf = (folder: string, all: ReturnType<typeof sourcesOf>) =>
  Effect.gen(function* () {
    const { snapshotOf } = yield* loadTools
    const { archive: _, digest, ...snapshot } = yield* snapshotOf(folder)
    const services = all.flatMap(({ name, source }) => (source.folder === folder ? [name] : []))
    return { digest, folder, report: { ...snapshot, services } satisfies SourceReport }
  })

/** The images that this machine has to build for an app; undefined if the server builds its sources, or it has none. Builds nothing. */
export const sourceImages = (cloud: Cloud, loaded: LoadedConfig, { baseOf, isLocal }: BuildSettings) =>
  Effect.gen(function* () {
    const all = sourcesOf(loaded)
    if (all.length === 0) return undefined
    const { runtime } = yield* cloud.info
    if (!isLocal && runtime !== "kubernetes") return undefined
    const { host, platforms, prefix } = yield* placeIn(cloud)
    if (host === null) return yield* noRegistry(runtime)
    yield* refusePlatform(platforms)
    const repository = `${prefix}${loaded.spec.app}`
    const { clientVersion } = yield* loadTools
    const folders = [...new Set(all.map(({ source }) => source.folder))]
    const snapshots = yield* Effect.forEach(folders, (folder) => reportOf(folder, all), { concurrency: 4 })
    const now = yield* Clock.currentTimeMillis
    const images = new Map<string, SourceImage>()
    for (const { name, source } of all) {
      const base = baseOf(name)
      const same = JSON.stringify([source, base])
      const first = images.get(same)
      if (first !== undefined) {
        images.set(same, { ...first, services: [...first.services, name] })
        continue
      }
      const snapshot = snapshots.find(({ folder }) => folder === source.folder)
      const key =
        snapshot === undefined
          ? undefined
          : keyOf({
              ...source,
              base,
              snapshot: snapshot.digest,
              package: snapshot.report.cut?.package,
              place: `${host}/${repository}`,
              version: clientVersion
            })
      const known = key === undefined ? undefined : yield* rememberedImage(ownCache(), key, now)
      images.set(same, { services: [name], source, base, key, known })
    }
    return {
      host,
      repository,
      images: [...images.values()],
      sources: snapshots.map(({ report }) => report)
    } satisfies SourceImages
  })

/** The app with images in place of sources, as far as their digests are known. */
export const withImages = (
  loaded: LoadedConfig,
  { host, repository }: Pick<SourceImages, "host" | "repository">,
  digests: ReadonlyMap<ServiceName, string>
) =>
  Effect.map(loadSchemas, ({ ImageReference }): LoadedConfig => {
    const services = loaded.spec.services.map((service) => {
      const digest = digests.get(service.name)
      if (digest === undefined) return service
      const { build: _, source: __, ...rest } = service
      return { ...rest, image: ImageReference.make(`${host}/${repository}@${digest}`) }
    })
    return { ...loaded, spec: { ...loaded.spec, services } }
  })
