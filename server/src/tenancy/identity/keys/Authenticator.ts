import type { TooManyRequests, Unauthenticated, Unavailable } from "@maxcloud/sdk/api"
import { Context, type Effect, type Redacted } from "effect"
import type { Caller } from "../../access/Caller.ts"

/** Tells who calls, by what stands in `Authorization: Bearer`: a session, an API key, or a token of a trusted issuer. */
export class Authenticator extends Context.Tag("@maxcloud/server/Authenticator")<
  Authenticator,
  {
    /** Unauthenticated says what is wrong (unknown, expired, revoked; for a token of an issuer: which claim) and what to do, and quotes nothing of it. */
    readonly authenticate: (
      token: Redacted.Redacted
    ) => Effect.Effect<Caller, Unauthenticated | TooManyRequests | Unavailable>
  }
>() {}
