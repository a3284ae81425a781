import { Authentication } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { type Organization, Organizations } from "../organizations/Organizations.ts"

/** On loopback whoever may send a request (see `guard.ts`) acts for the organization `local`. */
export const layerLocal = Layer.effect(
  Authentication,
  Effect.gen(function* () {
    const organization = yield* (yield* Organizations).ensureLocal
    return Authentication.of(Effect.succeed(organization))
  })
)

/** Every request acts for this organization. */
export const layerOf = (organization: Organization) =>
  Layer.succeed(Authentication, Authentication.of(Effect.succeed(organization)))
