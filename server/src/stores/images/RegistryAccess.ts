import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { type Duration, Effect, Layer } from "effect"
import { type ImageName, parseImageName, pinnedReference, writeImageName } from "../../base/words/imageName.ts"
import { authFile, noLogins } from "./credentials/authFile.ts"
import { reachingOwn, refuseForeign } from "./credentials/ownRegistry.ts"
import { RegistryCredentials } from "./credentials/RegistryCredentials.ts"
import { revealCredentials, sessionFor } from "./credentials/revealCredentials.ts"
import { buildFor } from "./documents/imageBuilds.ts"
import { pinImage } from "./documents/pinImage.ts"
import { rememberedImages } from "./documents/rememberedImages.ts"
import { ImageAccess, type ImageQuestion } from "./ImageAccess.ts"
import { imageGone, notAnImage } from "./ImageProblem.ts"
import { allowImage } from "./pulls/allowImage.ts"
import { loadImage } from "./pulls/loadImage.ts"
import { makePulls } from "./pulls/pulls.ts"
import { makeExchange } from "./registry/exchange.ts"
import { makeAsk, type RegistryOptions } from "./registry/RegistrySession.ts"

export interface RegistryAccessOptions extends RegistryOptions {
  readonly dataDirectory: string
  /** How long a registry may take to answer. @default that of `makeExchange` */
  readonly timeLimit?: Duration.Duration
}

const nameOf = (written: string) =>
  Effect.mapError(Effect.fromNullable(parseImageName(written)), () => notAnImage(written))

/** Empties the folder of downloads being loaded. An earlier process may have left some. */
const emptyFolder = (folder: string) =>
  Effect.promise(async () => {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true, mode: 0o700 })
  })

/**
 * Asks registries, and stores what they allowed in `image_access`. Downloads are in `<data folder>/images` while they're
 * loaded.
 */
export const layer = (options: RegistryAccessOptions) =>
  Layer.scoped(
    ImageAccess,
    Effect.gen(function* () {
      const credentials = yield* RegistryCredentials
      const remembered = yield* rememberedImages
      const asked = reachingOwn(options, credentials)
      const ask = makeAsk(yield* makeExchange(asked, options.timeLimit), asked)
      const pulls = yield* makePulls()
      const folder = join(options.dataDirectory, "images")
      yield* emptyFolder(folder)

      /** Asks the registry for `image`, and downloads it if the organization doesn't have it yet. */
      const pull = Effect.fn("ImageAccess.pull")(function* (question: ImageQuestion, image: ImageName) {
        const { load, onProgress, organizationId, platform } = question
        const session = yield* sessionFor(credentials, organizationId, image)
        const reference = writeImageName(yield* nameOf(question.image))
        const digest = yield* pinImage(ask, session)
        const known = yield* remembered.withDigest(organizationId, reference, digest)
        if (known !== undefined && (yield* Effect.promise(() => question.isInStore(known.imageId)))) {
          yield* remembered.set(organizationId, reference, known)
          return known.imageId
        }
        const build = yield* buildFor(ask, session, digest, platform)
        // For revisions from before digests were pinned, we only know the image's id.
        if (image.digest === undefined && question.imageId !== undefined && question.imageId !== build.imageId) {
          return yield* imageGone(question.image, question.imageId)
        }
        question.onPull()
        const key = `${session.key}@${digest} ${platform}`
        const imageId = yield* pulls.pull(
          { key, organization: organizationId, registry: image.registry, onProgress },
          (tell) => loadImage(ask, session, build, folder, load, tell)
        )
        yield* remembered.set(organizationId, reference, { imageId, digest })
        return imageId
      })

      return {
        resolve: Effect.fn("ImageAccess.resolve")(function* (organizationId: OrganizationId, written: string) {
          const image = yield* nameOf(written)
          yield* refuseForeign(credentials, organizationId, image)
          const session = yield* sessionFor(credentials, organizationId, image)
          return pinnedReference(image, yield* pinImage(ask, session))
        }),
        allow: (question: ImageQuestion) =>
          Effect.flatMap(
            Effect.tap(nameOf(question.image), (image) => refuseForeign(credentials, question.organizationId, image)),
            (image) => allowImage(remembered, question, image, (wanted) => pull(question, wanted))
          ),
        pulls,
        authFile: Effect.fn("ImageAccess.authFile")(function* (organizationId: OrganizationId, written: string) {
          const image = parseImageName(written)
          if (image === undefined) return noLogins
          return authFile(image.registry, yield* revealCredentials(credentials, organizationId, image.registry))
        })
      }
    })
  )
