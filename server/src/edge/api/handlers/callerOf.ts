import { Forbidden, Unauthenticated } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { type Caller, CurrentCaller, type Person } from "../../../tenancy/access/Caller.ts"

/** The caller of a request that the gate has let in. */
export const currentCaller: Effect.Effect<Caller, Unauthenticated> = Effect.flatMap(CurrentCaller, (caller) =>
  caller === undefined ? new Unauthenticated({ detail: "this needs a credential" }) : Effect.succeed(caller)
)

/**
 * The signed-in person; an API key, a token of an issuer, and whoever calls without a credential are none. A session from before the address
 * was confirmed acts for its own organization alone: whoever registered need not be who opened the link (pre-hijacking).
 */
export const currentPerson: Effect.Effect<Person, Unauthenticated | Forbidden> = Effect.flatMap(
  currentCaller,
  ({ credential, person }) => {
    if (credential.type !== "session" || person === undefined) {
      return new Forbidden({ detail: "this is for signed-in people only: run `maxcloud auth login`" })
    }
    return credential.unproven === true
      ? new Forbidden({
          detail:
            "this session began before your e-mail address was confirmed: sign in again with `maxcloud auth login`"
        })
      : Effect.succeed(person)
  }
)
