import { Authentication, Unauthenticated } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { CurrentCaller } from "../../../tenancy/access/Caller.ts"

/** The organization of the authenticated caller (see `gate.ts`). */
export const layer = Layer.succeed(
  Authentication,
  Authentication.of(
    Effect.flatMap(CurrentCaller, (caller) =>
      caller === undefined
        ? new Unauthenticated({ detail: "This needs a credential. Run `maxcloud auth login`." })
        : Effect.succeed(caller.organization)
    )
  )
)
