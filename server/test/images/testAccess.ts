import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Option } from "effect"
import { RowScope } from "../../src/base/database/RowScope.ts"
import { RegistryCredentials } from "../../src/stores/images/credentials/RegistryCredentials.ts"
import { ImageAccess } from "../../src/stores/images/ImageAccess.ts"
import { ImagesError } from "../../src/stores/images/Images.ts"
import type { Credentials } from "../../src/stores/images/registry/RegistrySession.ts"

const noNetwork = new ImagesError({ message: "RegistryUnreachable: there is no network in this test." })

/** A fake: no registry is reachable, and no organization has credentials. */
export const accessAway = Layer.succeed(ImageAccess, {
  pulls: { pull: (_, work) => work(() => {}) },
  resolve: () => Effect.fail(noNetwork),
  allow: () => Effect.fail(noNetwork),
  authFile: () => Effect.succeed(JSON.stringify({ auths: {} }))
})

/** In-memory credentials for every registry: the current content of the map. */
export const credentialsTest = (known: ReadonlyMap<OrganizationId, Credentials>) =>
  Layer.succeed(RegistryCredentials, {
    set: () => Effect.die("not here"),
    list: () => Effect.succeed([]),
    page: () => Effect.succeed({ items: [], next: null }),
    remove: () => Effect.succeed(false),
    reveal: (organizationId) =>
      Effect.map(RowScope, (scope) => {
        // Like the database, which shows them to nobody else.
        if (scope !== organizationId) throw new Error(`credentials of ${organizationId} are read as ${scope}`)
        return Option.fromNullable(known.get(organizationId))
      })
  })
