import type {
  ApiKeyId,
  ApiKeyInfo,
  ApiKeyList,
  CreateApiKey,
  Forbidden,
  InvalidRequest,
  NewApiKey,
  NotFound,
  Page,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
import type { Caller } from "../../access/Caller.ts"

/** API keys of an organization. A key is never more than its maker: neither in role, nor in scopes, nor after the maker has gone. */
export class ApiKeys extends Context.Tag("@maxcloud/server/ApiKeys")<
  ApiKeys,
  {
    readonly page: (
      caller: Caller,
      paging: ReturnType<typeof ApiKeyList.pagingOf>
    ) => Effect.Effect<Page<ApiKeyInfo>, InvalidRequest | Unavailable>
    readonly create: (caller: Caller, input: CreateApiKey) => Effect.Effect<NewApiKey, Forbidden | Unavailable>
    readonly rotate: (
      caller: Caller,
      id: ApiKeyId,
      overlapSeconds: number
    ) => Effect.Effect<NewApiKey, NotFound | Forbidden | Unavailable>
    readonly remove: (caller: Caller, id: ApiKeyId) => Effect.Effect<void, NotFound | Unavailable>
  }
>() {}
