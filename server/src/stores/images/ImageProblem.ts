import type { DiagnosisCode } from "@maxcloud/sdk/api"
import { Data } from "effect"

/** An image cannot run as it is named: to be changed by who named it. `message` begins with the code and says the fix. */
export class ImageProblem extends Data.TaggedError("ImageProblem")<{
  readonly message: string
  /** Nobody was asked, since the registry's name has no address here. */
  readonly noHost?: true
}> {}

export const imageProblem = (code: DiagnosisCode, message: string) =>
  new ImageProblem({ message: `${code}: ${message}` })

export const notAnImage = (written: string) =>
  imageProblem("ImageInvalid", `"${written}" isn't a valid image reference. Use a form like "nginx:1.27".`)

/** A revision runs one image for ever: where that can't be had any more, no other one is run in its place. */
export const imageGone = (image: string, id: string) =>
  imageProblem(
    "ImageNotFound",
    `the image ${id} that this revision runs is no longer on this machine, and ${image} isn't it now. Deploy again to run what it is now.`
  )
