import type {
  Conflict,
  CreateOidcTrust,
  Forbidden,
  InvalidRequest,
  NotFound,
  OidcTrustId,
  OidcTrustInfo,
  OidcTrustList,
  Page,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
import type { Caller } from "../../access/Caller.ts"

/** Issuers of OpenID Connect whose tokens act for an organization. */
export class OidcTrusts extends Context.Tag("@maxcloud/server/OidcTrusts")<
  OidcTrusts,
  {
    readonly page: (
      caller: Caller,
      paging: ReturnType<typeof OidcTrustList.pagingOf>
    ) => Effect.Effect<Page<OidcTrustInfo>, InvalidRequest | Unavailable>
    readonly create: (
      caller: Caller,
      input: CreateOidcTrust
    ) => Effect.Effect<OidcTrustInfo, Conflict | Forbidden | InvalidRequest | Unavailable>
    readonly remove: (caller: Caller, id: OidcTrustId) => Effect.Effect<void, NotFound | Unavailable>
  }
>() {}
