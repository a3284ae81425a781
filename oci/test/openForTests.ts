import { Effect, type Either } from "effect"
import { type Image, type LayerMemory, type OciError, openImage } from "../src/index.ts"

export const noMemory: LayerMemory = { find: () => undefined, keep: () => undefined }

interface Options {
  readonly platform?: string
  readonly memory?: LayerMemory
  readonly accept?: (platforms: ReadonlyArray<string>) => Effect.Effect<void, OciError>
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** Opens an image, and uses it while its temporary files exist. */
export const withImage = <A>(
  written: string,
  use: (image: Image) => Effect.Effect<A, OciError> | A,
  { accept = () => Effect.void, environment = {}, memory = noMemory, platform }: Options = {}
): Promise<Either.Either<A, OciError>> =>
  openImage(written, { accept, environment, memory, platform }).pipe(
    Effect.flatMap((image) => {
      const used = use(image)
      return Effect.isEffect(used) ? used : Effect.succeed(used)
    }),
    Effect.scoped,
    Effect.either,
    Effect.runPromise
  )
