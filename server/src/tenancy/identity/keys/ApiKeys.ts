import type { ApiKeyId, ApiKeyInfo, CreateApiKey, Forbidden, NewApiKey, NotFound, Unavailable } from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
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
