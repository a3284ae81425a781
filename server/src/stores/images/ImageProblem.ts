import type { DiagnosisCode } from "@maxcloud/sdk/api"
import { Data } from "effect"

/** An image that can't run as named: whoever named it must change the name. `message` begins with the code and says the fix. */
export class ImageProblem extends Data.TaggedError("ImageProblem")<{
  readonly message: string
  /** No registry was asked, because its name has no address here. */
  readonly noHost?: true
}> {}

export const imageProblem = (code: DiagnosisCode, message: string) =>
  new ImageProblem({ message: `${code}: ${message}` })

export const notAnImage = (written: string) =>
  imageProblem("ImageInvalid", `"${written}" isn't a valid image reference. Use a form like "nginx:1.27".`)

/** A revision runs one image for ever. If that image is gone, no other one runs in its place. */
export const imageGone = (image: string, id: string) =>
  imageProblem(
    "ImageNotFound",
    `the image ${id} that this revision runs is no longer on this machine, and ${image} isn't it now. Deploy again to run what it is now.`
  )
