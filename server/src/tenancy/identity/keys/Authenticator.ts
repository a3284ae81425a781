import type { TooManyRequests, Unauthenticated, Unavailable } from "@maxcloud/sdk/api"
import { Context, type Effect, type Redacted } from "effect"
import type { Caller } from "../../access/Caller.ts"

/** Identifies the caller by `Authorization: Bearer`: a session, an API key, or a token of a trusted issuer. */
export class Authenticator extends Context.Tag("@maxcloud/server/Authenticator")<
  Authenticator,
  {
    /**
     * Unauthenticated says what's wrong (unknown, expired, revoked; for an issuer's token: which claim) and how to fix
     * it, and quotes nothing of the credential.
     */
    readonly authenticate: (
      token: Redacted.Redacted
    ) => Effect.Effect<Caller, Unauthenticated | TooManyRequests | Unavailable>
  }
>() {}
