import { Authentication, Unauthenticated } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { CurrentCaller } from "../../../tenancy/access/Caller.ts"

/** The organization of the caller that the gate has let in (`gate.ts`). */
export const layer = Layer.succeed(
  Authentication,
  Authentication.of(
    Effect.flatMap(CurrentCaller, (caller) =>
      caller === undefined
        ? new Unauthenticated({ detail: "this needs a credential: run `maxcloud auth login`" })
        : Effect.succeed(caller.organization)
    )
  )
)
