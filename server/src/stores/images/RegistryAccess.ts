import { randomBytes } from "node:crypto"
import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { type Duration, Effect, Layer, Option, Redacted } from "effect"
import { asOrganization } from "../../base/database/RowScope.ts"
import {
  apiHostOf,
  type ImageName,
  parseImageName,
  pinnedReference,
  writeImageName
} from "../../base/words/imageName.ts"
import { makeExchange } from "./exchange.ts"
import { type AllowedImage, ImageAccess, type ImageQuestion } from "./ImageAccess.ts"
import { ImageProblem, imageGone, notAnImage } from "./ImageProblem.ts"
import { ImagesError } from "./Images.ts"
import { downloadImage } from "./imageArchive.ts"
import { makePulls, type PullProgress } from "./pulls.ts"
import { makeRegistryClient } from "./RegistryClient.ts"
import { RegistryCredentials } from "./RegistryCredentials.ts"
import { makeAsk, type RegistryOptions, type RegistrySession, sessionOf } from "./RegistrySession.ts"
import { rememberedImages } from "./rememberedImages.ts"

export interface RegistryAccessOptions extends RegistryOptions {
  readonly dataDirectory: string
  /** How long a registry may take for an answer. @default that of `makeExchange` */
  readonly timeLimit?: Duration.Duration
}

/** So long an organization runs an image without its registry being asked again whether it still may. */
export const allowedForMs = 15 * 60_000
/** So long while the registry can't be reached. */
export const allowedAwayForMs = 24 * 3_600_000

/** Could the registry not be asked? Then it has refused nothing. */
export const isAway = (error: ImageProblem | ImagesError) =>
  error instanceof ImagesError || (error instanceof ImageProblem && error.noHost === true)

/** Asks registries, and keeps in `image_access` what they have allowed. Downloads are kept in `<data folder>/images` while they are loaded. */
export const layer = (options: RegistryAccessOptions) =>
  Layer.scoped(
    ImageAccess,
    Effect.gen(function* () {
      const credentials = yield* RegistryCredentials
      const remembered = yield* rememberedImages
      const ask = makeAsk(yield* makeExchange(options, options.timeLimit), options)
      const client = makeRegistryClient(ask)
      const pulls = yield* makePulls()
      const folder = join(options.dataDirectory, "images")
      yield* Effect.promise(async () => {
        await rm(folder, { recursive: true, force: true })
        await mkdir(folder, { recursive: true, mode: 0o700 })
      })

      const nameOf = (written: string) =>
        Effect.mapError(Effect.fromNullable(parseImageName(written)), () => notAnImage(written))
      const reveal = (organizationId: OrganizationId, registry: string) =>
        credentials.reveal(organizationId, registry).pipe(
          Effect.mapError((_) => new ImagesError({ message: _.message })),
          // An instance starts by itself, with no request whose rows these would be.
          asOrganization(organizationId)
        )

      const sessionFor = (organizationId: OrganizationId, image: ImageName) =>
        Effect.map(reveal(organizationId, image.registry), (_) => sessionOf(image, _))

      const resolve = Effect.fn("ImageAccess.resolve")(function* (organizationId: OrganizationId, written: string) {
        const image = yield* nameOf(written)
        return pinnedReference(image, yield* client.pin(yield* sessionFor(organizationId, image)))
      })

      /** Downloads an image into the engine's store. */
      const download = (
        { load }: ImageQuestion,
        session: RegistrySession,
        build: Effect.Effect.Success<ReturnType<typeof client.build>>,
        tell: (progress: PullProgress) => void
      ) =>
        Effect.gen(function* () {
          const file = join(folder, randomBytes(8).toString("hex"))
          let total = 0
          const onBytes = (bytes: number, totalBytes: number) => {
            total = totalBytes
            tell({ step: "pulling", bytes, totalBytes })
          }
          return yield* downloadImage(ask, session, build, file, onBytes).pipe(
            Effect.zipRight(Effect.sync(() => tell({ step: "unpacking", bytes: total, totalBytes: total }))),
            Effect.zipRight(
              Effect.tryPromise({
                try: (signal) => load(file, build.imageId, signal),
                catch: (cause) => (cause instanceof ImagesError ? cause : new ImagesError({ message: String(cause) }))
              })
            ),
            Effect.ensuring(Effect.promise(() => rm(file, { force: true })))
          )
        })

      /** Asks the registry for `image`, and downloads what it is if the organization has not had it yet. */
      const pull = Effect.fn("ImageAccess.pull")(function* (question: ImageQuestion, image: ImageName) {
        const { organizationId, platform } = question
        const session = yield* sessionFor(organizationId, image)
        const reference = writeImageName(yield* nameOf(question.image))
        const digest = yield* client.pin(session)
        const known = yield* remembered.withDigest(organizationId, reference, digest)
        if (known !== undefined && (yield* Effect.promise(() => question.isInStore(known.imageId)))) {
          yield* remembered.set(organizationId, reference, known)
          return known.imageId
        }
        const build = yield* client.build(session, digest, platform)
        // Of a revision from before digests were pinned, only the image's id is known.
        if (image.digest === undefined && question.imageId !== undefined && question.imageId !== build.imageId) {
          return yield* imageGone(question.image, question.imageId)
        }
        question.onPull()
        const imageId = yield* pulls.pull(
          {
            key: `${session.key}@${digest} ${platform}`,
            organization: organizationId,
            registry: image.registry,
            onProgress: question.onProgress
          },
          (tell) => download(question, session, build, tell)
        )
        yield* remembered.set(organizationId, reference, { imageId, digest })
        return imageId
      })

      const allow = Effect.fn("ImageAccess.allow")(function* (question: ImageQuestion) {
        const { imageId, organizationId } = question
        const image = yield* nameOf(question.image)
        const reference = writeImageName(image)
        const known = yield* remembered.newest(organizationId, reference, imageId)
        const here = known !== undefined && (yield* Effect.promise(() => question.isInStore(known.imageId)))
        const keeps = imageId !== undefined || image.digest !== undefined
        if (here && keeps && known.ageMs < allowedForMs) return { imageId: known.imageId }
        // A revision keeps what it has run: it is asked for by its digest, whatever its tag means by now.
        const wanted = imageId === undefined || known === undefined ? image : { ...image, digest: known.digest }
        const asked = pull(question, wanted)
        if (!here) return { imageId: yield* asked }
        return yield* asked.pipe(
          Effect.map((_): AllowedImage => ({ imageId: _ })),
          Effect.catchAll((error) => {
            if (!isAway(error)) {
              return Effect.zipRight(remembered.forget(organizationId, reference), Effect.fail(error))
            }
            return known.ageMs < allowedAwayForMs
              ? Effect.succeed({ imageId: known.imageId, note: error.message })
              : Effect.fail(error)
          })
        )
      })

      const authFile = Effect.fn("ImageAccess.authFile")(function* (organizationId: OrganizationId, written: string) {
        const image = parseImageName(written)
        if (image === undefined) return noLogins
        const known = yield* reveal(organizationId, image.registry)
        if (Option.isNone(known)) return noLogins
        const { password, username } = known.value
        const auth = Buffer.from(`${username}:${Redacted.value(password)}`).toString("base64")
        const hosts =
          image.registry === "docker.io" ? ["docker.io", "https://index.docker.io/v1/"] : [apiHostOf(image.registry)]
        return JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth }])) })
      })

      return { resolve, allow, pulls, authFile }
    })
  )

const noLogins = JSON.stringify({ auths: {} })
