import { Forbidden, Unauthenticated } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { type Caller, CurrentCaller, type Person } from "../identity/Caller.ts"

/** The caller of a request that the gate has let in. */
export const currentCaller: Effect.Effect<Caller, Unauthenticated> = Effect.flatMap(CurrentCaller, (caller) =>
  caller === undefined ? new Unauthenticated({ detail: "this needs a credential" }) : Effect.succeed(caller)
)

/** The signed-in person; an API key, a token of an issuer, and whoever calls without a credential are none. */
export const currentPerson: Effect.Effect<Person, Unauthenticated | Forbidden> = Effect.flatMap(
  currentCaller,
  ({ credential, person }) =>
    credential.type === "session" && person !== undefined
      ? Effect.succeed(person)
      : new Forbidden({ detail: "this is for signed-in people only: run `maxcloud auth login`" })
)
