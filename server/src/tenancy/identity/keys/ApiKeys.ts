import type {
  ApiKeyId,
  ApiKeyInfo,
  Conflict,
  CreateApiKey,
  CreateOidcTrust,
  Forbidden,
  NewApiKey,
  NotFound,
  OidcTrustId,
  OidcTrustInfo,
  TooManyRequests,
  Unauthenticated,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect, type Redacted } from "effect"
import type { Caller } from "../../access/Caller.ts"

/** API keys of an organization. A key is never more than its maker: neither in role, nor in scopes, nor after the maker has gone. */
export class ApiKeys extends Context.Tag("@maxcloud/server/ApiKeys")<
  ApiKeys,
  {
    readonly list: (caller: Caller) => Effect.Effect<ReadonlyArray<ApiKeyInfo>, Unavailable>
    readonly create: (caller: Caller, input: CreateApiKey) => Effect.Effect<NewApiKey, Forbidden | Unavailable>
    readonly rotate: (
      caller: Caller,
      id: ApiKeyId,
      overlapSeconds: number
    ) => Effect.Effect<NewApiKey, NotFound | Forbidden | Unavailable>
    readonly remove: (caller: Caller, id: ApiKeyId) => Effect.Effect<void, NotFound | Unavailable>
  }
>() {}

/** Issuers of OpenID Connect whose tokens act for an organization. */
export class OidcTrusts extends Context.Tag("@maxcloud/server/OidcTrusts")<
  OidcTrusts,
  {
    readonly list: (caller: Caller) => Effect.Effect<ReadonlyArray<OidcTrustInfo>, Unavailable>
    readonly create: (
      caller: Caller,
      input: CreateOidcTrust
    ) => Effect.Effect<OidcTrustInfo, Conflict | Forbidden | Unavailable>
    readonly remove: (caller: Caller, id: OidcTrustId) => Effect.Effect<void, NotFound | Unavailable>
  }
>() {}

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
