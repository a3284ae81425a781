import { Forbidden, type Unauthenticated } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { type Caller, CurrentCaller, type Person } from "../../../tenancy/access/Caller.ts"
import { needsCredential } from "../../http/needsCredential.ts"

/** The authenticated caller of a request. */
export const currentCaller: Effect.Effect<Caller, Unauthenticated> = Effect.flatMap(CurrentCaller, (caller) =>
  caller === undefined ? needsCredential() : Effect.succeed(caller)
)

/**
 * The signed-in person. API keys, issuer tokens and anonymous callers aren't people. A session opened before the address was
 * confirmed acts only for its own organization: the person who registered may not be the one who opened the link (pre-hijacking).
 */
export const currentPerson: Effect.Effect<Person, Unauthenticated | Forbidden> = Effect.flatMap(
  currentCaller,
  ({ credential, person }) => {
    if (credential.type !== "session" || person === undefined) {
      return new Forbidden({ detail: "Only signed-in people can do this. Run `maxcloud auth login`." })
    }
    return credential.unproven === true
      ? new Forbidden({
          detail:
            "This session began before you confirmed your email address. Sign in again with `maxcloud auth login`."
        })
      : Effect.succeed(person)
  }
)
