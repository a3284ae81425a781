import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { type ImageName, listsRegistry } from "../../../base/words/imageName.ts"
import { type ImageProblem, imageProblem } from "../ImageProblem.ts"
import type { RegistryOptions } from "../registry/RegistrySession.ts"
import type { RegistryCredentials } from "./RegistryCredentials.ts"

type Own = Pick<typeof RegistryCredentials.Service, "own">

/**
 * Refuses another organization's image of the platform's own registry, before anybody asks: a node that already has it would run
 * it without credentials.
 */
export const refuseForeign = (
  { own }: Own,
  organizationId: OrganizationId,
  { registry, repository }: ImageName
): Effect.Effect<void, ImageProblem> =>
  own === undefined || !listsRegistry(new Set([own]), registry, 443) || repository.startsWith(`${organizationId}/`)
    ? Effect.void
    : imageProblem(
        "ImageUnauthorized",
        `${registry}/${repository} isn't an image of this organization. Yours are called ${own}/${organizationId}/APP:TAG.`
      )

/** The operator has named its own registry, so it may be at a private address. */
export const reachingOwn = <O extends RegistryOptions>(options: O, { own }: Own): O =>
  own === undefined ? options : { ...options, privateRegistries: [...options.privateRegistries, own] }
