import type { DiagnosisCode } from "@maxcloud/sdk/api"
import { Data } from "effect"

/**
 * An image that can't run as named: the user must change the name. `message` begins with the code and includes the fix.
 */
export class ImageProblem extends Data.TaggedError("ImageProblem")<{
  readonly message: string
  /** No registry was asked, because its name has no address here. */
  readonly noHost?: true
}> {}

export const imageProblem = (code: DiagnosisCode, message: string) =>
  new ImageProblem({ message: `${code}: ${message}` })

export const notAnImage = (written: string) =>
  imageProblem("ImageInvalid", `"${written}" isn't a valid image reference. Use a form like "nginx:1.27".`)

/** A revision always runs the same image. If that image is gone, no other one runs in its place. */
export const imageGone = (image: string, id: string) =>
  imageProblem(
    "ImageNotFound",
    `the image ${id} of this revision is no longer on this machine, and ${image} is a different one now. Deploy again to run the present one.`
  )
