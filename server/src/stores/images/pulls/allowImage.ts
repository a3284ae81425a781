import { Effect } from "effect"
import { type ImageName, writeImageName } from "../../../base/words/imageName.ts"
import type { RememberedImages } from "../documents/rememberedImages.ts"
import type { AllowedImage, ImageQuestion } from "../ImageAccess.ts"
import { ImageProblem } from "../ImageProblem.ts"
import { ImagesError } from "../Images.ts"

/** How long an organization may run an image before we ask the registry for its permission again. */
const allowedForMs = 15 * 60_000
/** The same while the registry is unreachable. */
const allowedAwayForMs = 24 * 3_600_000

/** Was the registry unreachable? Then it has refused nothing. */
export const isAway = (error: ImageProblem | ImagesError) =>
  error instanceof ImagesError || (error instanceof ImageProblem && error.noHost === true)

/** Lets an organization run what its registry has given it. `pull` asks the registry, and downloads missing images. */
export const allowImage = Effect.fn("ImageAccess.allow")(function* (
  remembered: RememberedImages,
  question: ImageQuestion,
  image: ImageName,
  pull: (wanted: ImageName) => Effect.Effect<string, ImageProblem | ImagesError>
) {
  const { imageId, organizationId } = question
  const reference = writeImageName(image)
  const known = yield* remembered.newest(organizationId, reference, imageId)
  const here = known !== undefined && (yield* Effect.promise(() => question.isInStore(known.imageId)))
  const keeps = imageId !== undefined || image.digest !== undefined
  if (here && keeps && known.ageMs < allowedForMs) return { imageId: known.imageId }
  // A revision keeps what it has run: ask for it by digest, whatever its tag means by now.
  const asked = pull(imageId === undefined || known === undefined ? image : { ...image, digest: known.digest })
  if (!here) return { imageId: yield* asked }
  return yield* asked.pipe(
    Effect.map((found): AllowedImage => ({ imageId: found })),
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
