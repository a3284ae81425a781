import { Effect } from "effect"
import { makeEngineFinder } from "../../../../base/host/containerEngine.ts"
import { ImageProblem } from "../../../../stores/images/ImageProblem.ts"
import { ImagesError } from "../../../../stores/images/Images.ts"
import { InstanceFailed } from "../Instance.ts"
import { idOf, qualifiedImage } from "./image.ts"

/** Looks up a name in the store of this machine's container engine. Without an engine it finds nothing. */
export const makeImageInStore = (environment: NodeJS.ProcessEnv) => {
  const detect = makeEngineFinder(environment)
  return (image: string): Effect.Effect<string | undefined, ImageProblem | ImagesError> =>
    Effect.tryPromise({
      try: async () => {
        const detected = await detect()
        return "engine" in detected ? await idOf(detected.engine, qualifiedImage(image)) : undefined
      },
      catch: (cause) =>
        cause instanceof InstanceFailed
          ? new ImageProblem({ message: `${cause.reason}: ${cause.message}` })
          : new ImagesError({
              message: `CannotStart: couldn't ask the container engine for ${image} (${String(cause)}).`
            })
    })
}
