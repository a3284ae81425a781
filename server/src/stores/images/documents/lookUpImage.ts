import type { ConfigDocument } from "@maxcloud/oci"
import type { ResolvedImage } from "@maxcloud/synth"
import { Effect, Option } from "effect"
import { pinnedReference } from "../../../base/words/imageName.ts"
import type { ImageProblem } from "../ImageProblem.ts"
import type { ImagesError } from "../Images.ts"
import type { Ask, RegistrySession } from "../registry/RegistrySession.ts"
import { Remembered } from "../registry/Remembered.ts"
import { buildsOf, wrongPlatform } from "./imageBuilds.ts"
import { type ImageSettings, imageSettings } from "./imageSettings.ts"
import { resolveTag } from "./pinImage.ts"
import { portOfExposed } from "./portOfExposed.ts"
import { configOf, manifestOf } from "./registryContent.ts"

/** A registry's description of an image, with the image's own settings. */
export interface LookedUpImage extends ResolvedImage {
  readonly settings: ImageSettings
}

/** Numbers only: the kubelet can't resolve a name, and refuses it if root is refused. */
const isNonRoot = (user: string) => {
  const [id = ""] = user.split(":")
  return /^\d+$/.test(id) && Number(id) !== 0
}

/** The properties that all builds of an image share. */
const describe = (reference: string, configs: ReadonlyArray<ConfigDocument>): LookedUpImage => {
  const { Healthcheck, Volumes } = configs[0]?.config ?? {}
  const exposed = Object.keys(configs[0]?.config?.ExposedPorts ?? {})
  return {
    reference,
    nonRoot: configs.every((config) => isNonRoot(config.config?.User ?? "")),
    port: exposed.length === 0 ? undefined : portOfExposed(exposed),
    settings: imageSettings(Healthcheck, Volumes)
  }
}

const look = Effect.fn("Registry.look")(function* (
  ask: Ask,
  session: RegistrySession,
  digest: string,
  platforms: ReadonlyArray<string>
) {
  const document = yield* manifestOf(ask, session, digest)
  const builds =
    "manifests" in document && document.manifests !== undefined
      ? yield* buildsOf(session, document, platforms)
      : [digest]
  const configs = yield* Effect.forEach(
    builds,
    (build) =>
      manifestOf(ask, session, build).pipe(
        Effect.flatMap((found) => configOf(ask, session, found)),
        Effect.map((found) => found.config)
      ),
    { concurrency: 2 }
  )
  if (builds[0] === digest) {
    const built = configs.map((config) => `${config.os}/${config.architecture}`)
    const missing = platforms.filter((platform) => !built.includes(platform))
    if (missing.length > 0) return yield* wrongPlatform(session, built, missing, platforms)
  }
  return {
    ...describe(pinnedReference(session.image, digest), configs),
    ...(Option.isSome(session.credentials) ? { needsCredentials: true } : {})
  }
})

/** Looks images up: their present digest, and whether they run on a cluster's platforms (`linux/amd64`). */
export const makeImageLookUp = (ask: Ask) => {
  const images = new Remembered<LookedUpImage>(5000)
  /** Names the index, not the build, so that each node pulls its own. */
  return Effect.fn("Registry.resolve")(function* (session: RegistrySession, platforms: ReadonlyArray<string>) {
    const { digest, tag } = session.image
    const pinned = digest ?? (yield* resolveTag(ask, session, tag ?? "latest"))
    const key = `${session.key}@${pinned} ${platforms.join(" ")}`
    const known = images.get(key)
    if (known !== undefined) return known
    const image = yield* look(ask, session, pinned, platforms)
    images.set(key, image)
    return image
  }) satisfies (...args: never) => Effect.Effect<LookedUpImage, ImageProblem | ImagesError>
}
