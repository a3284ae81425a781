import type { BuildDocument, IndexDocument } from "@maxcloud/oci"
import { Effect } from "effect"
import { imageProblem } from "../ImageProblem.ts"
import type { Ask, RegistrySession } from "../registry/RegistrySession.ts"
import { configOf, manifestOf, named } from "./registryContent.ts"

/** The build of an image for one platform. */
export interface ImageBuild {
  /** The digest of its configuration. */
  readonly imageId: string
  /** As it's written. */
  readonly config: string
  readonly manifest: BuildDocument
}

export const wrongPlatform = (
  session: RegistrySession,
  built: ReadonlyArray<string>,
  missing: ReadonlyArray<string>,
  platforms: ReadonlyArray<string>
) =>
  imageProblem(
    "WrongPlatform",
    `${named(session)} is built for ${[...new Set(built)].join(", ") || "no platform"}, but the cluster has nodes of ${missing.join(", ")}. Build it with \`--platform ${platforms.join(",")}\` (\`docker buildx build --platform ${platforms.join(",")} --push …\`).`
  )

/** Digests of the builds for these platforms. Builds for `unknown` are attestations. */
export const buildsOf = (session: RegistrySession, index: IndexDocument, platforms: ReadonlyArray<string>) => {
  const builds = index.manifests.flatMap(({ digest, platform }) =>
    platform === undefined || platform.os === "unknown"
      ? []
      : [{ digest, platform: `${platform.os}/${platform.architecture}` }]
  )
  const missing = platforms.filter((platform) => !builds.some((build) => build.platform === platform))
  return missing.length > 0
    ? wrongPlatform(
        session,
        builds.map((build) => build.platform),
        missing,
        platforms
      )
    : Effect.succeed(platforms.flatMap((platform) => builds.find((build) => build.platform === platform)?.digest ?? []))
}

export const buildFor = Effect.fn("Registry.build")(function* (
  ask: Ask,
  session: RegistrySession,
  digest: string,
  platform: string
) {
  const document = yield* manifestOf(ask, session, digest)
  const isIndex = "manifests" in document && document.manifests !== undefined
  const [own = digest] = isIndex ? yield* buildsOf(session, document, [platform]) : []
  const { config, manifest, text } = yield* configOf(
    ask,
    session,
    isIndex ? yield* manifestOf(ask, session, own) : document
  )
  if (`${config.os}/${config.architecture}` !== platform) {
    return yield* imageProblem(
      "WrongPlatform",
      `${named(session)} is for ${config.os}/${config.architecture}, but this machine is ${platform}.`
    )
  }
  const build: ImageBuild = { imageId: manifest.config.digest, config: text, manifest }
  return build
})
