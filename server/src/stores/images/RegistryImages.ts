import type { AppSpec, SpecIssue } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Duration, Effect, Either, Layer, Option } from "effect"
import { namesRegistry, parseImageName } from "../../base/words/imageName.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { reachingOwn, refuseForeign } from "./credentials/ownRegistry.ts"
import { RegistryCredentials } from "./credentials/RegistryCredentials.ts"
import { imageSettings, unusedSettings } from "./documents/imageSettings.ts"
import { type LookedUpImage, makeImageLookUp } from "./documents/lookUpImage.ts"
import { ImageProblem, imageProblem } from "./ImageProblem.ts"
import { Images, ImagesError } from "./Images.ts"
import { makeExchange } from "./registry/exchange.ts"
import { makeAsk, type RegistryOptions, sessionOf } from "./registry/RegistrySession.ts"

export interface ImagesOptions extends RegistryOptions {
  /** Registries that are never asked: their images are used as written, besides those that Knative doesn't ask either. */
  readonly unresolvedRegistries: ReadonlyArray<string>
  /** With `restricted`, an image can't run if its user is root, or is only a name. */
  readonly podSecurity: "baseline" | "restricted"
  /** Platforms of the nodes that run tenants' pods, such as `linux/amd64`. If there are none, we assume `linux/amd64`. */
  readonly platforms: () => Effect.Effect<ReadonlyArray<string>>
}

/** Knative's own default of `registries-skipping-tag-resolving`. */
const unresolved = ["kind.local", "ko.local", "dev.local"]

const atOnce = 8
const timeLimit = Duration.seconds(30)

interface LookedUp {
  readonly name: string
  readonly found: Either.Either<LookedUpImage, ImageProblem | ImagesError>
}

const foundOf = (looked: ReadonlyArray<LookedUp>) => {
  const byName = new Map(looked.map((each) => [each.name, each.found]))
  return (image: string | undefined) => (image === undefined ? undefined : byName.get(image))
}

/** Problems that waiting doesn't fix, by service. */
const problemsOf = (
  { services }: AppSpec,
  looked: ReadonlyArray<LookedUp>,
  own: string | undefined
): ReadonlyArray<SpecIssue> => {
  const find = foundOf(looked)
  return services.flatMap((service, index): ReadonlyArray<SpecIssue> => {
    if (service.source !== undefined) return [{ path: ["services", index, "source"], message: builderMissing(own) }]
    const found = find(service.image)
    return found !== undefined && Either.isLeft(found) && found.left instanceof ImageProblem
      ? [{ path: ["services", index, "image"], message: found.left.message }]
      : []
  })
}

/** Settings in the images that have no effect. */
const warningsOf = ({ services }: AppSpec, looked: ReadonlyArray<LookedUp>): ReadonlyArray<SpecIssue> => {
  const find = foundOf(looked)
  return services.flatMap(({ image, probes }, index): ReadonlyArray<SpecIssue> => {
    const found = find(image)
    if (found === undefined || Either.isLeft(found)) return []
    const unused = unusedSettings(found.right.settings, Object.keys(probes ?? {}).length > 0)
    return unused === undefined
      ? []
      : [{ path: ["services", index, "image"], message: `${unused.message}. ${unused.fix}` }]
  })
}

const resolvedOf = (looked: ReadonlyArray<LookedUp>) =>
  new Map(
    looked.flatMap(({ found, name }) => {
      if (Either.isLeft(found)) return []
      const { settings: _, ...resolved } = found.right
      return [[name, resolved] as const]
    })
  )

/** Asks the images' registries, over the network. */
export const layer = (options: ImagesOptions) =>
  Layer.scoped(
    Images,
    Effect.gen(function* () {
      const credentials = yield* RegistryCredentials
      const asked = reachingOwn(options, credentials)
      const lookUp = makeImageLookUp(makeAsk(yield* makeExchange(asked), asked))
      const skipped = new Set([...unresolved, ...options.unresolvedRegistries])

      const lookUpAs = Effect.fn("Images.lookUp")(function* (
        organizationId: OrganizationId,
        written: string,
        platforms: ReadonlyArray<string>
      ) {
        const image = parseImageName(written)
        if (image === undefined) {
          return yield* imageProblem("ImageInvalid", `"${written}" isn't a valid image reference.`)
        }
        yield* refuseForeign(credentials, organizationId, image)
        if (namesRegistry(skipped, image.registry)) {
          return {
            reference: written,
            nonRoot: false,
            port: undefined,
            settings: imageSettings(null, null)
          } satisfies LookedUpImage
        }
        const known = yield* credentials
          .reveal(organizationId, image.registry)
          .pipe(Effect.mapError((error) => new ImagesError({ message: error.message })))
        const resolved = yield* lookUp(sessionOf(image, known), platforms)
        if (options.podSecurity === "baseline" || resolved.nonRoot) return resolved
        return yield* imageProblem(
          "RootRefused",
          `${written} runs as root, or as a user given by name, but this platform only runs images with another, numeric user. Add \`USER 1000\` to its Dockerfile.`
        )
      })

      const resolve = Effect.fn("Images.resolve")(
        function* (organization: Organization, spec: AppSpec) {
          const nodes = yield* options.platforms()
          const platforms = nodes.length === 0 ? ["linux/amd64"] : [...new Set(nodes)].toSorted()
          const names = [...new Set(spec.services.flatMap((service) => service.image ?? []))]
          const looked = yield* Effect.forEach(
            names,
            (name) =>
              Effect.map(Effect.either(lookUpAs(organization.id, name, platforms)), (found) => ({ found, name })),
            { concurrency: atOnce }
          )
          const problems = problemsOf(spec, looked, credentials.own)
          const away = looked.flatMap(({ found }) => Option.toArray(Either.getLeft(found)))
          const passing = away.find((value) => value instanceof ImagesError)
          // Report a problem even if another registry is unreachable: it won't go away.
          if (passing !== undefined && problems.length === 0) return yield* passing
          return { images: resolvedOf(looked), problems, warnings: warningsOf(spec, looked) }
        },
        Effect.timeoutFail({
          duration: timeLimit,
          onTimeout: () =>
            new ImagesError({
              message: `RegistryUnreachable: the app's registries haven't answered within ${Duration.toSeconds(timeLimit)} s. Retry later.`
            })
        })
      )

      return { resolve }
    })
  )

const builderMissing = (own: string | undefined) =>
  own === undefined
    ? "BuilderMissing: this server runs images only, and has no registry for images of sources. Push an image to another registry and name it with `image:`, or ask the server's operator to set REGISTRY_URL (docs/registry.md)."
    : "BuilderMissing: this server runs images only. Deploy with the command `maxcloud deploy`, which builds an image of the source and pushes it; or push one with `maxcloud push` and name it with `image:`."
