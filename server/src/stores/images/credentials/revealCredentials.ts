import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { asOrganization } from "../../../base/database/RowScope.ts"
import type { ImageName } from "../../../base/words/imageName.ts"
import { ImagesError } from "../Images.ts"
import { sessionOf } from "../registry/RegistrySession.ts"
import type { RegistryCredentials } from "./RegistryCredentials.ts"

export const revealCredentials = (
  credentials: typeof RegistryCredentials.Service,
  organizationId: OrganizationId,
  registry: string
) =>
  credentials.reveal(organizationId, registry).pipe(
    Effect.mapError((error) => new ImagesError({ message: error.message })),
    // An instance starts by itself, so there's no request whose rows apply.
    asOrganization(organizationId)
  )

/** An image's repository, as the organization sees it. */
export const sessionFor = (
  credentials: typeof RegistryCredentials.Service,
  organizationId: OrganizationId,
  image: ImageName
) =>
  Effect.map(revealCredentials(credentials, organizationId, image.registry), (revealCredential) =>
    sessionOf(image, revealCredential)
  )
