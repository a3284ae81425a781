import { Effect, Layer } from "effect"
import { refusedHost } from "./exchange.ts"
import { notAnImage } from "./ImageProblem.ts"
import { Images } from "./Images.ts"
import { parseImageName } from "./imageName.ts"
import { type RegistryOptions, reachOf, registryUrl } from "./RegistrySession.ts"

/**
 * For the local runtime, which asks registries when an instance starts (`ImageAccess`). An address that nobody would be asked at is refused
 * here already, so that `plan` says it.
 */
export const layer = (options: RegistryOptions) => {
  const reach = reachOf(options)
  const problemOf = (written: string) => {
    const image = parseImageName(written)
    if (image === undefined) return notAnImage(written)
    const url = registryUrl(image.registry, options)
    return refusedHost(url, reach(url))
  }
  return Layer.succeed(Images, {
    resolve: (_, spec) =>
      Effect.succeed({
        images: new Map(),
        problems: spec.services.flatMap(({ image }, index) => {
          // An id of the engine's store, which is for the owner of this machine.
          const problem = image === undefined || image.startsWith("sha256:") ? undefined : problemOf(image)
          return problem === undefined ? [] : [{ path: ["services", index, "image"], message: problem.message }]
        })
      })
  })
}
