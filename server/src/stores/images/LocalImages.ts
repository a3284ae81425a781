import { SqlClient } from "@effect/sql/SqlClient"
import type { AppSpec, SpecIssue } from "@maxcloud/config-schema"
import { Duration, Effect, Either, Layer, Schema } from "effect"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { passingOnly } from "../../base/database/sqlErrors.ts"
import { databaseWords } from "../../base/postgres/DatabaseError.ts"
import { type ImageName, parseImageName, pinnedReference, pinOf } from "../../base/words/imageName.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { ImageAccess } from "./ImageAccess.ts"
import { ImageProblem, imageProblem, notAnImage } from "./ImageProblem.ts"
import { ImageStandIns, standInIssues } from "./ImageStandIns.ts"
import { Images, ImagesError } from "./Images.ts"
import { isAway } from "./pulls/allowImage.ts"
import { refusedHost } from "./registry/exchange.ts"
import { type RegistryOptions, reachOf, registryUrl } from "./registry/RegistrySession.ts"

export interface LocalImagesOptions extends RegistryOptions {
  /** Do they own this machine, and so the engine's store? */
  readonly ownsMachine: (organization: Organization) => boolean
  /** The id (`sha256:…`) for this name in the engine's store; undefined if it has none. */
  readonly imageInStore: (name: string) => Effect.Effect<string | undefined, ImageProblem | ImagesError>
}

/** The present meaning of a name. Without a reference it isn't known yet: the revision's first instance finds out. */
interface Found {
  readonly reference?: string
  readonly problem?: string
  readonly warning?: string
}

const atOnce = 4
/** Then the deployment continues: its first instance asks again, and waits longer. */
const timeLimit = Duration.seconds(10)

/** The sentences of a problem without its code. */
const sentences = (message: string) => message.replace(/^\w+: /, "")

/** The image that the organization last deployed under this name. */
const lastPin = (organization: Organization, written: string, image: ImageName) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      select pinned_image from services
      where organization_id = ${organization.id} and spec ->> 'image' = ${written}
        and starts_with(pinned_image, ${pinnedReference(image, "")})
      order by updated_at desc limit 1`
  ).pipe(
    passingOnly,
    Effect.map((rows) => decodePins(rows)[0]?.pinned_image),
    Effect.mapError((cause) => new ImagesError({ message: databaseWords(cause) }))
  )

/** An image that was built on this machine. */
const ofStore = (imageInStore: LocalImagesOptions["imageInStore"], written: string, image: ImageName) =>
  Effect.map(imageInStore(written), (id): Found => {
    if (id !== undefined) return { reference: pinnedReference(image, id) }
    return { problem: notBuilt(written).message }
  })

/** The image to run if the registry can't help: the last one, or one on this machine. */
const instead = Effect.fnUntraced(function* (
  options: LocalImagesOptions,
  organization: Organization,
  written: string,
  image: ImageName,
  error: ImageProblem | ImagesError
) {
  if (pinOf(written) !== undefined) return isAway(error) ? {} : yield* error
  const why = sentences(error.message)
  const last = isAway(error) ? yield* lastPin(organization, written, image) : undefined
  if (last !== undefined) {
    return { reference: last, warning: `${why} Running the image of the last deployment that named it.` }
  }
  const here = options.ownsMachine(organization) ? yield* options.imageInStore(written) : undefined
  if (here !== undefined) return { reference: here, warning: `${why} Running the image on this machine.` }
  return isAway(error)
    ? { warning: `${why} Its digest will be looked up when its first instance starts.` }
    : yield* error
})

const lookUp = (
  options: LocalImagesOptions,
  organization: Organization,
  written: string,
  image: ImageName
): Effect.Effect<Found, ImageProblem | ImagesError, ImageAccess | SqlClient> =>
  Effect.gen(function* () {
    const url = registryUrl(image.registry, options)
    const refused = refusedHost(url, reachOf(options)(url))
    if (refused !== undefined) return yield* refused
    if (image.registry === "localhost" && options.ownsMachine(organization)) {
      return pinOf(written) === undefined ? yield* ofStore(options.imageInStore, written, image) : {}
    }
    const { resolve } = yield* ImageAccess
    const asked = yield* resolve(organization.id, written).pipe(
      Effect.timeoutFail({ duration: timeLimit, onTimeout: () => slow(image.registry) }),
      Effect.either
    )
    if (Either.isRight(asked)) return { reference: asked.right }
    return yield* instead(options, organization, written, image, asked.left)
  })

const found = (
  options: LocalImagesOptions,
  organization: Organization,
  written: string
): Effect.Effect<Found, ImagesError, ImageAccess | SqlClient> => {
  // An id of the engine's store, which only this machine's owner may use.
  if (written.startsWith("sha256:")) return Effect.succeed({})
  const image = parseImageName(written)
  if (image === undefined) return Effect.succeed({ problem: notAnImage(written).message })
  return lookUp(options, organization, written, image).pipe(
    Effect.catchAll((error) =>
      error instanceof ImageProblem ? Effect.succeed({ problem: error.message }) : Effect.fail(error)
    )
  )
}

const issuesOf = ({ services }: AppSpec, all: ReadonlyMap<string, Found>, kind: "problem" | "warning") =>
  services.flatMap(({ image }, index): ReadonlyArray<SpecIssue> => {
    const message = image === undefined ? undefined : all.get(image)?.[kind]
    return message === undefined ? [] : [{ path: ["services", index, "image"], message }]
  })

/**
 * For the local runtime: resolves a deployment's image names now, by asking their registries as the organization. So a
 * tag that was pushed again is another image, and its service gets a new revision. An image built on this machine is
 * identified by its id.
 */
export const layer = (options: LocalImagesOptions): Layer.Layer<Images, never, ImageAccess | SqlClient> =>
  Layer.effect(
    Images,
    Effect.gen(function* () {
      const context = yield* contextWithoutRows<ImageAccess | SqlClient>()
      const standInOf = yield* ImageStandIns
      return {
        resolve: Effect.fn("Images.resolve")(function* (organization: Organization, spec: AppSpec) {
          const written = new Set(spec.services.flatMap((service) => service.image ?? []))
          const names: ReadonlyArray<string> = [...written].filter((name) => standInOf?.(name) === undefined)
          const standIns = standInIssues(spec, standInOf)
          const all: ReadonlyMap<string, Found> = new Map(
            yield* Effect.forEach(
              names,
              (name) => Effect.map(found(options, organization, name), (found) => [name, found] as const),
              { concurrency: atOnce }
            )
          )
          const images = [...all].flatMap(([name, { reference }]) =>
            // Its user and port are the image's own, and read from it when it runs.
            reference === undefined ? [] : [[name, { reference, nonRoot: false, port: undefined }] as const]
          )
          return {
            images: new Map(images),
            problems: [...standIns.problems, ...issuesOf(spec, all, "problem")],
            warnings: [...standIns.warnings, ...issuesOf(spec, all, "warning")]
          }
        }, Effect.provide(context))
      }
    })
  )

const decodePins = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ pinned_image: Schema.String })))

const slow = (registry: string) =>
  new ImagesError({
    message: `RegistryUnreachable: the registry ${registry} hasn't answered within ${Duration.toSeconds(timeLimit)} s.`
  })

const notBuilt = (image: string) =>
  imageProblem(
    "ImageNotFound",
    `the image ${image} doesn't exist on this machine, and localhost isn't a registry. Build it (\`podman build --tag ${image} .\`).`
  )
