import { randomBytes } from "node:crypto"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { downloadImage } from "../documents/imageArchive.ts"
import type { ImageBuild } from "../documents/imageBuilds.ts"
import type { LoadImage } from "../ImageAccess.ts"
import { ImagesError } from "../Images.ts"
import type { Ask, RegistrySession } from "../registry/RegistrySession.ts"
import type { PullProgress } from "./pulls.ts"

/** Downloads an image into a file of `folder`, and loads it into the engine's store. */
export const loadImage = (
  ask: Ask,
  session: RegistrySession,
  build: ImageBuild,
  folder: string,
  load: LoadImage,
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
