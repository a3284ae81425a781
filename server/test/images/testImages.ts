import { type AppSpec, OrganizationName, parseAppSpec } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Either, Layer, Option } from "effect"
import type { Organization } from "../../src/base/words/Organization.ts"
import { RegistryCredentials } from "../../src/stores/images/credentials/RegistryCredentials.ts"
import { Images } from "../../src/stores/images/Images.ts"
import { type ImagesOptions, layer } from "../../src/stores/images/RegistryImages.ts"
import type { Credentials } from "../../src/stores/images/registry/RegistrySession.ts"

export const acme = OrganizationId.make(`org_${"a".repeat(32)}`)
export const other = OrganizationId.make(`org_${"0".repeat(32)}`)

export const organizationOf = (id: OrganizationId): Organization => ({ id, name: OrganizationName.make("acme") })

export const specOf = (images: ReadonlyArray<string>): AppSpec =>
  Either.getOrThrow(
    parseAppSpec({ app: "shop", services: images.map((image, index) => ({ name: `service-${index}`, image })) })
  )

/** Images with in-memory credentials of `acme`, for every registry. */
export const layerTest = (options: Partial<ImagesOptions>, credentials?: Credentials) =>
  layer({
    insecureRegistries: [],
    privateRegistries: [],
    unresolvedRegistries: [],
    podSecurity: "baseline",
    platforms: () => Effect.succeed(["linux/amd64"]),
    ...options
  }).pipe(
    Layer.provide(
      Layer.succeed(RegistryCredentials, {
        set: () => Effect.die("not here"),
        list: () => Effect.succeed([]),
        page: () => Effect.succeed({ items: [], next: null }),
        remove: () => Effect.succeed(false),
        reveal: (organizationId) =>
          Effect.succeed(organizationId === acme ? Option.fromNullable(credentials) : Option.none())
      })
    )
  )

/** Resolves images as `acme`, with a client that caches nothing. */
export const resolveTest = (
  images: ReadonlyArray<string>,
  options: Partial<ImagesOptions>,
  credentials?: Credentials
) =>
  Effect.runPromise(
    Images.pipe(
      Effect.flatMap((found) => found.resolve(organizationOf(acme), specOf(images))),
      Effect.provide(layerTest(options, credentials))
    )
  )

/** The problem with one image. */
export const problemOf = async (image: string, options: Partial<ImagesOptions>, credentials?: Credentials) => {
  const { problems } = await resolveTest([image], options, credentials)
  return problems.map((problem) => problem.message).join("\n")
}
